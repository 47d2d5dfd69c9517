"""Parcels, and how they get to customers."""
