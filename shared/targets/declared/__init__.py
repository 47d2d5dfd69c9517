"""What a Python target declares, one reader per kind of file; nothing of it is ever run."""
