"""Planning rules and rules about waves; no input or output."""
