"""What the linters of a target are told: the configuration of each, and comments in the code."""

from shared.detectors.linters.choices import FolderChoices
from shared.detectors.linters.project import LinterChoices, is_silenced, read_choices

__all__ = ["FolderChoices", "LinterChoices", "is_silenced", "read_choices"]
