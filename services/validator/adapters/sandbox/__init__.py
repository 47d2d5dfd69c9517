"""Sandboxes: adapters of the `Sandbox` port, and the private directories their commands work in."""
