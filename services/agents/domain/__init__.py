"""What agents look for, and how findings become proposals; no input or output."""
