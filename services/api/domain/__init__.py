"""Pure rules of the API: ids as people type them, read models, reports and stories."""
