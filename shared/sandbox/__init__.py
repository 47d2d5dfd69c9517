"""Sandboxes: tiers of isolation for the code of targets behind one port, and their directories."""
