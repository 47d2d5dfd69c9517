"""Adapters of the coordinator: the machine that it runs on."""
