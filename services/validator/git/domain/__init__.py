"""Pure rules about patches and commit messages."""
