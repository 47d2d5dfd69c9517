"""MongoDB access. `client` is the only module that imports motor."""
