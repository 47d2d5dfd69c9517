"""Deployment: the stack on one machine, its diagnosis, the image, and the servers' settings."""
