"""The loop that judges all open changes of a target, one round per head."""
