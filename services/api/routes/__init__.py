"""HTTP: decode, one use case, encode."""
