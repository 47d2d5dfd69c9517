"""The environments in which targets are tested: built once per dependency set, in a sandbox."""
