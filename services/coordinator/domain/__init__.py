"""What is worth doing, and when a wave is over; no input or output."""
