"""What happened in the shop."""
