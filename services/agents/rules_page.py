"""Writes docs/rules.md: every rule with its class, from what the registered types declare."""

from collections.abc import Iterator
from pathlib import Path

from shared.agent_types import AgentSpec, FixerDeclaration, agent_specs
from shared.behaviour.condition import CONDITIONS

PAGE = Path("docs/rules.md")
HEAD = """# What fixes may change

<!-- Generated from the declarations of the rules: python -m services.agents.rules_page -->

A change lands without a person only if it is shown to keep behaviour, or if a policy allows its
rule by name (`allowed_rules` under `[policy]` in groundswell.toml). Each rule is of one of three
classes:

- **proven**: the fix is expected to leave the compiled program as it is. The gate compiles both
  versions and compares them. A change of any class that is proven so needs nothing else, unless
  what its rule may change is not in the program.
- **conditional**: each place that the fix edits has to meet one of the rule's conditions. They are
  checked on the code at hand, by the agent that proposes the change and again by the gate, and
  nothing is run for it. Where none can be shown, the change waits for a person and says why.
- **may change**: the fix may change behaviour, and a person decides.

Neither a tool's own promise that a fix is safe nor a passing suite replaces this: on the ordinary
path nothing differs, and what differs is rarely tested. A condition looks at the edit itself, so a
change that does anything else besides does not meet it.
"""


def render() -> str:
    """Return the whole page as Markdown."""
    specs = agent_specs().values()
    lines = [HEAD]
    for spec in specs:
        lines += [f"## Rules of {spec.name}", "", *_table(spec), ""]
    lines += ["## Conditions", "", *_conditions()]
    return "\n".join(lines).rstrip() + "\n"


def _table(spec: AgentSpec) -> Iterator[str]:
    """Yield the lines of the Markdown table of an agent type's rules."""
    yield "| rule | what the fix does | class | what it may change | unless |"
    yield "|---|---|---|---|---|"
    for fixer in spec.fixers:
        yield _row(fixer.declaration)
    for rule, behaviour in spec.behaviours.items():
        kept = behaviour.permitted or "–"  # noqa: RUF001
        yield f"| `{rule}` | – | {behaviour.kind} | {behaviour.may_change} | {kept} |"  # noqa: RUF001
    for tool, behaviour in spec.target_rules.items():
        what = "what your own rule says"
        yield f"| `{tool}:…` | {what} | {behaviour.kind} | {behaviour.may_change} | – |"  # noqa: RUF001


def _row(declared: FixerDeclaration) -> str:
    """Return the table row of a rule that has a fixer."""
    behaviour = declared.behaviour
    unless = [f"{CONDITIONS[each].words} (`{each}`)" for each in behaviour.unless]
    if behaviour.proven:
        unless.insert(0, f"the compiled program is the same. {behaviour.proven}")
    kept = "; or ".join(unless) or "–"  # noqa: RUF001
    cells = (f"`{declared.rule}`", declared.phrase, behaviour.kind, behaviour.may_change, kept)
    return f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |"


def _conditions() -> Iterator[str]:
    """Yield the lines that tell why each condition is sufficient, grouped by kind."""
    yield "Why each condition is sufficient:"
    yield ""
    for kind in sorted({each.kind for each in CONDITIONS.values()}):
        yield f"### {kind.capitalize()}"
        yield ""
        for each in CONDITIONS.values():
            if each.kind == kind:
                yield f"- `{each.name}`: {each.words}. {each.argument}"
        yield ""


if __name__ == "__main__":
    PAGE.write_text(render())
