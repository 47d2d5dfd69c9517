"""The part of SARIF 2.1.0 that is read. What else a log has is ignored."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

Level = Literal["none", "note", "warning", "error"]


class SarifPart(BaseModel):
    """A part of a log, with the names of SARIF."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class SarifMessage(SarifPart):
    """What is said about a result: a text, or the id of one that the rule has."""

    text: str = ""
    id: str = ""
    arguments: tuple[str, ...] = ()


class SarifRegion(SarifPart):
    """Lines of a file, counted from 1."""

    start_line: int = Field(default=1, ge=1)
    end_line: int | None = Field(default=None, ge=1)


class SarifDeletedRegion(SarifPart):
    """A part of a file by lines and columns, counted from 1; the end is not part of it.

    One that is given by offsets has no lines.
    """

    start_line: int | None = Field(default=None, ge=1)
    start_column: int = Field(default=1, ge=1)
    end_line: int | None = Field(default=None, ge=1)
    end_column: int | None = Field(default=None, ge=1)


class SarifArtifact(SarifPart):
    """The address of a file, relative to a base or absolute, or its index among all."""

    uri: str = ""
    uri_base_id: str = ""
    index: int = -1


class SarifPhysicalLocation(SarifPart):
    """A place in a file."""

    artifact_location: SarifArtifact = SarifArtifact()
    region: SarifRegion = SarifRegion()


class SarifLocation(SarifPart):
    """A place."""

    physical_location: SarifPhysicalLocation | None = None


class SarifConfiguration(SarifPart):
    """How a rule is set by default."""

    level: Level = "warning"


class SarifRule(SarifPart):
    """A rule of a tool."""

    id: str = ""
    short_description: SarifMessage = SarifMessage()
    help_uri: str = ""
    default_configuration: SarifConfiguration = SarifConfiguration()
    message_strings: dict[str, SarifMessage] = Field(default_factory=dict)


class SarifDriver(SarifPart):
    """A tool."""

    name: str = Field(min_length=1)
    rules: tuple[SarifRule, ...] = ()


class SarifTool(SarifPart):
    """A tool with its plug-ins, which are not read."""

    driver: SarifDriver


class SarifRuleReference(SarifPart):
    """Which rule a result is of."""

    id: str = ""
    index: int = -1


class SarifContent(SarifPart):
    """What is put in; None is nothing, or content that is no text."""

    text: str | None = None
    binary: str | None = None


class SarifReplacement(SarifPart):
    """What is put in place of a region."""

    deleted_region: SarifDeletedRegion
    inserted_content: SarifContent = SarifContent(text="")


class SarifArtifactChange(SarifPart):
    """What is replaced in a file."""

    artifact_location: SarifArtifact = SarifArtifact()
    replacements: tuple[SarifReplacement, ...] = ()


class SarifFix(SarifPart):
    """A fix of a result."""

    artifact_changes: tuple[SarifArtifactChange, ...] = ()


class SarifFound(SarifPart):
    """A result. Suppressed ones were accepted by somebody."""

    rule_id: str = ""
    rule_index: int = -1
    rule: SarifRuleReference = SarifRuleReference()
    kind: str = "fail"
    level: Level | None = None
    message: SarifMessage = SarifMessage()
    locations: tuple[SarifLocation, ...] = ()
    suppressions: tuple[dict[str, Any], ...] = ()
    baseline_state: str = ""
    fixes: tuple[SarifFix, ...] = ()

    @field_validator("suppressions", "locations", "fixes", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        """Return an empty tuple for null, which some tools write."""
        return () if value is None else value


class SarifArtifactEntry(SarifPart):
    """A file among those of a run."""

    location: SarifArtifact = SarifArtifact()


class SarifVersionControl(SarifPart):
    """From which commit the files were."""

    revision_id: str = ""


class SarifRun(SarifPart):
    """What one tool found in one run."""

    tool: SarifTool
    results: tuple[SarifFound, ...] | None = None
    artifacts: tuple[SarifArtifactEntry, ...] = ()
    original_uri_base_ids: dict[str, SarifArtifact] = Field(default_factory=dict)
    version_control_provenance: tuple[SarifVersionControl, ...] = ()
    column_kind: str = ""


class SarifLog(SarifPart):
    """A whole log."""

    version: Literal["2.1.0"]
    runs: tuple[SarifRun, ...]
