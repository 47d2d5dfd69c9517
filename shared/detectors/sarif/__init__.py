"""SARIF 2.1.0: findings of any tool in, and ours out."""

from shared.detectors.sarif.reading import read_sarif
from shared.detectors.sarif.writing import write_sarif

__all__ = ["read_sarif", "write_sarif"]
