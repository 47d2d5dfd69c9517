"""Targets: their git repositories, `groundswell.toml`, components, tests and requirements."""
