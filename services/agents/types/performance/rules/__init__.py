"""The rules of ours, one a file."""
