"""How fixes become proposals; no input or output."""
