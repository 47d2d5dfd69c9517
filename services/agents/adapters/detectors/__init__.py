"""Tools that give findings."""
