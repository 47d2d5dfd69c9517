"""Prices of order lines: discounts and tax."""
