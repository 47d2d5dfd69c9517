"""Decides what is worth doing, plans waves, and finishes them."""
