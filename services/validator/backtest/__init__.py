"""Replays a target's own history through the gate."""
