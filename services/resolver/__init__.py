"""Owns the leases, and lets only proposals through that stand alone."""
