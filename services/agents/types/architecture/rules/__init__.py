"""The fixers of the agent type, one file each."""
