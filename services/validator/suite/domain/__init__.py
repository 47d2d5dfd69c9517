"""Test reports, recordings and Python sources as values, with the pure rules about them."""
