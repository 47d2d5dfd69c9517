"""The version of Groundswell."""

VERSION = "0.1.0"
