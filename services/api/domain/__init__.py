"""Pure rules of the API: ids as people type them, and what a wave came to."""
