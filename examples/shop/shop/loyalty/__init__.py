"""Points for loyal customers."""
