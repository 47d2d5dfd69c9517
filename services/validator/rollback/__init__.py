"""Takes landed changes off the landing branch again."""
