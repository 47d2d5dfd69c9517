"""The agent types that ship with Groundswell, a folder each, found by entry point."""
