"""Checks changes of n8n workflows in a running n8n, and releases there what landed."""
