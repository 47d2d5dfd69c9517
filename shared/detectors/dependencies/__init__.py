"""Declared dependencies that nothing imports, and imports that nothing declares."""
