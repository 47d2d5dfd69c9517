"""The import graph of a target, from parsed files, and what is found in it."""
