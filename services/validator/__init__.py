"""The gate: it tries changes, lands what is no worse, and rolls back what proves worse later."""
