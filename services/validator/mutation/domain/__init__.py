"""Pure rules of `mutation`."""
