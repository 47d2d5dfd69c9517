"""Use cases of `mutation`."""
