"""Read how a target configures its linters, in files and by comments in the code."""

from shared.detectors.linters.choices import FolderChoices
from shared.detectors.linters.project import LinterChoices, is_silenced, read_choices

__all__ = ["FolderChoices", "LinterChoices", "is_silenced", "read_choices"]
