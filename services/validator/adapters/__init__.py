"""What the validator touches: git, processes, reports, environments."""
