"""The gate: tries changes, lands what is no worse, and takes it off again."""
