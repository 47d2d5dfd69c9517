"""Pure rules of watching landed changes."""
