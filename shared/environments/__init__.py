"""The environments that targets are tested in: built once, in a sandbox, and kept."""
