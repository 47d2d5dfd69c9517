"""Watches the health of a target after a landing and reverts what made it worse."""
