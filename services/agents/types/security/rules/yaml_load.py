"""yaml.load with a loader that makes any Python object becomes yaml.safe_load."""

import ast

from services.agents.types.security.calls import (
    drop_argument,
    drop_keyword,
    in_turn,
    set_argument,
    set_function,
    set_keyword,
)
from services.agents.types.security.code import has_unpacking, keyword_of
from services.agents.types.security.rule import (
    ADVICE,
    DISMISSED,
    Judgement,
    Spot,
    WeaknessRule,
    code,
    example,
)
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

LOAD = "yaml.load"
# The loaders of PyYAML itself that a program names without asking for Python objects.
PLAIN_LOADERS = frozenset({"yaml.Loader", "yaml.FullLoader"})
FAST_LOADERS = frozenset({"yaml.CLoader", "yaml.CFullLoader", "yaml.cyaml.CLoader"})
SAFE_LOADERS = ("SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader")


def judge(spot: Spot) -> Judgement:
    """Fix calls without a loader or with a plain one; loaders of the program's own are advice.

    A class of the file that extends a safe loader is one.
    """
    call = spot.call_of({LOAD})
    if call is None or has_unpacking(call):
        return ADVICE
    keyword = keyword_of(call, "Loader")
    loader = call.args[1] if len(call.args) > 1 else keyword.value if keyword else None
    if loader is None:
        return _safe_load(spot, call, loader)
    origin = spot.code.origin(loader)
    if origin in FAST_LOADERS:
        return _fast_loader(spot, call, loader)
    if origin in PLAIN_LOADERS:
        return _safe_load(spot, call, loader)
    return DISMISSED if _extends_safe_loader(spot, loader) else ADVICE


def _safe_load(spot: Spot, call: ast.Call, loader: ast.expr | None) -> Judgement:
    """Return the fix that calls `safe_load` without a loader."""
    if isinstance(call.func, ast.Attribute):
        name = f"{spot.code.segment(call.func.value)}.safe_load"
    elif _can_name(spot, "safe_load"):
        name = "safe_load"
    else:
        return ADVICE
    drop = drop_argument(1) if len(call.args) > 1 else drop_keyword("Loader")
    steps = [set_function(name), *([drop] if loader is not None else [])]
    return spot.rewrite(call, in_turn(*steps))


def _can_name(spot: Spot, name: str) -> bool:
    """Return whether a name means that of yaml, or nothing in the file."""
    return spot.code.origin(ast.Name(name)) == f"yaml.{name}" or spot.code.is_free(name)


def _fast_loader(spot: Spot, call: ast.Call, loader: ast.expr) -> Judgement:
    """Return the fix that keeps a loader of libyaml's, in its safe form."""
    if not isinstance(loader, ast.Attribute):
        return ADVICE
    name = f"{spot.code.segment(loader.value)}.CSafeLoader"
    if len(call.args) > 1:
        return spot.rewrite(call, set_argument(1, name))
    return spot.rewrite(call, set_keyword("Loader", name))


def _extends_safe_loader(spot: Spot, loader: ast.expr) -> bool:
    """Return whether a loader is a class of the file that extends one of the safe ones."""
    classes = {n.name: n for n in ast.walk(spot.code.tree) if isinstance(n, ast.ClassDef)}
    name = loader.id if isinstance(loader, ast.Name) else ""
    bases = classes[name].bases if name in classes else []
    safe = {f"yaml.{each}" for each in SAFE_LOADERS}
    return bool(bases) and all(spot.code.origin(each) in safe for each in bases)


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S506",
        phrase="load YAML without making arbitrary objects",
        severity=Severity.ERROR,
        commit_type="fix",
        behaviour=FixBehaviour(
            "what becomes of tags that name Python objects: the safe loader refuses them"
        ),
    ),
    judge,
    "The plain loaders of PyYAML make any Python object that a document asks for, so whoever "
    "writes the document can run code.",
    examples=(
        example(
            """
            import yaml

            with open(p) as f:
                a = yaml.load(f, Loader=yaml.Loader)
            """,
            """
            import yaml

            with open(p) as f:
                a = yaml.safe_load(f)
            """,
        ),
        example(
            """
            import yaml as y

            a = y.load(g(), y.FullLoader)
            """,
            """
            import yaml as y

            a = y.safe_load(g())
            """,
        ),
        example(
            """
            import yaml

            a = yaml.load(b)
            """,
            """
            import yaml

            a = yaml.safe_load(b)
            """,
        ),
        example(
            """
            import yaml

            a = yaml.load(b, Loader=yaml.CLoader)
            """,
            """
            import yaml

            a = yaml.load(b, Loader=yaml.CSafeLoader)
            """,
        ),
        example(
            """
            from yaml import Loader, load

            a = load(b, Loader=Loader)
            """,
            """
            from yaml import safe_load

            a = safe_load(b)
            """,
        ),
        example(
            """
            import yaml

            a = yaml.load(b, Loader=yaml.UnsafeLoader)
            """,
        ),
        example(
            """
            import yaml
            from m import loader

            a = yaml.load(b, Loader=loader)
            """,
        ),
        example(
            """
            import yaml

            a = yaml.load(*b)
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import yaml

            a = yaml.load(b, Loader=yaml.SafeLoader)
            """
        ),
        code(
            """
            import yaml


            class Mine(yaml.SafeLoader): ...


            a = yaml.load(b, Loader=Mine)
            """
        ),
        code(
            """
            from ruamel.yaml import YAML

            a = YAML(typ='safe').load(b)
            """
        ),
    ),
    imports=(("yaml", "safe_load"),),
)
