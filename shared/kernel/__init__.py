"""Clock, ids, errors, failpoints: what everything imports, and the standard library alone."""
