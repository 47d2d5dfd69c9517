"""The fork server imports our own agent types, and nothing of other packages."""

from importlib.metadata import EntryPoint

from deploy import bundled_types


def test_only_types_of_our_own_are_imported(monkeypatch):
    values = ["services.agents.types.security:SPEC", "elsewhere.services.agents:SPEC"]
    found = [EntryPoint(each, each, bundled_types.AGENT_TYPES_GROUP) for each in values]
    imported = []
    monkeypatch.setattr(bundled_types, "entry_points", lambda group: found)
    monkeypatch.setattr(bundled_types, "import_module", imported.append)
    bundled_types.import_bundled_types()
    assert imported == ["services.agents.types.security"]
