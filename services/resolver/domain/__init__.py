"""Rules of leases and overlaps; no input or output."""
