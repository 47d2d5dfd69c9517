"""Clock, ids and errors: standard library only, imported by everything."""
