"""Tools that give findings: they read a target, and never run anything of it."""
