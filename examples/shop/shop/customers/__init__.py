"""Who buys in the shop."""
