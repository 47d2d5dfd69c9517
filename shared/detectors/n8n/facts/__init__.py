"""Facts about n8n: its node types, and what its versions 2 and 3 removed or changed."""
