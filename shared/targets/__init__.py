"""A target: its git repository, its groundswell.toml, its components and its tests."""
