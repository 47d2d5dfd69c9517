"""Adapters of the git capability: pygit2 and the git binary."""
