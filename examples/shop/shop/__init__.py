"""The order system of a small mail-order shop."""

__version__ = "0.3.0"
