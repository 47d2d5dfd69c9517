"""Makes imports that only calls need in the functions that need them."""

import ast
from collections import defaultdict
from collections.abc import Mapping, Sequence

import libcst

from services.agents.types.architecture.rules.statements import (
    ImportNode,
    TopImport,
    read_module,
    top_import,
    with_names,
    without_gaps,
)
from shared.agent_types import FixBehaviour, FixerDeclaration, Priors
from shared.contracts.base import Severity
from shared.detectors.imports.cutting import FileUses, read_uses
from shared.detectors.ports import FixableFinding

DECLARATION = FixerDeclaration(
    rule="imports:deferrable",
    phrase="import in a function to open an import cycle",
    severity=Severity.WARNING,
    priors=Priors(safe=0.9, unsafe=0.8),
    behaviour=FixBehaviour(
        "when the module is imported, what it does then, and which object its name means",
        unless=("imports.deferred-import",),
    ),
    quoted=True,
)
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


class DeferrableImportFixer:
    """Moves whole import statements to the beginning of the functions that use their names."""

    declaration = DECLARATION

    def why(self) -> str:
        """Return why a cycle is opened by importing later."""
        return (
            "Modules that import each other while they are loaded only work in one order of "
            "importing them. What is imported in a call is there by then in any order."
        )

    def fix(self, text: str, found: Sequence[FixableFinding]) -> tuple[str, tuple[int, ...]]:
        """Return the text without these findings, and the indices of those that were removed."""
        uses = read_uses(text.encode())
        module, statements = read_module(text)
        needs: dict[int, list[ImportNode]] = defaultdict(list)
        gone: list[libcst.BaseStatement] = []
        done = []
        for number, each in enumerate(found):
            node = statements.get(each.finding.line)
            imported = top_import(node)
            wanted = None if imported is None else _needs(imported, uses)
            if node is None or not wanted:
                continue
            gone.append(node)
            done.append(number)
            for line, statement in wanted.items():
                needs[line].append(statement)
        if not gone:
            return text, ()
        return _moved(module, gone, needs).code, tuple(done)


def _needs(found: TopImport, uses: FileUses) -> Mapping[int, ImportNode] | None:
    """Return what each function that uses the names has to import, by the line of its `def`.

    Returns None where that cannot be told.
    """
    names: dict[int, list[str]] = defaultdict(list)
    for name in found.bound:
        functions = uses.calling_functions(name)
        if functions is None:
            return None
        for each in functions:
            assert isinstance(each, FUNCTIONS)
            names[each.lineno].append(name)
    parts = {line: with_names(found, wanted) for line, wanted in names.items()}
    return {line: each for line, each in parts.items() if each is not None}


def _moved(
    module: libcst.Module,
    gone: Sequence[libcst.BaseStatement],
    needs: Mapping[int, Sequence[ImportNode]],
) -> libcst.Module:
    """Return the module without some statements, and with others at the start of functions."""
    wrapper = libcst.MetadataWrapper(module, unsafe_skip_copy=True)
    changed = wrapper.visit(_Inserting(needs))
    both = zip(module.body, changed.body, strict=True)
    return changed.with_changes(
        body=without_gaps(changed, {new: None for old, new in both if old in gone})
    )


class _Inserting(libcst.CSTTransformer):
    """Puts statements at the beginning of functions, given by the line of their `def`."""

    METADATA_DEPENDENCIES = (libcst.metadata.PositionProvider,)

    def __init__(self, needs: Mapping[int, Sequence[ImportNode]]) -> None:
        super().__init__()
        self._needs = needs

    def leave_FunctionDef(  # noqa: N802 - the name that LibCST calls
        self, original_node: libcst.FunctionDef, updated_node: libcst.FunctionDef
    ) -> libcst.FunctionDef:
        """Return the function with its statements behind the docstring."""
        position = self.get_metadata(libcst.metadata.PositionProvider, original_node)
        wanted = self._needs.get(position.start.line, ())
        if not wanted:
            return updated_node
        lines = [libcst.SimpleStatementLine([each]) for each in wanted]
        block = updated_node.body
        if isinstance(block, libcst.SimpleStatementSuite):
            inner = [libcst.SimpleStatementLine([each]) for each in block.body]
            return updated_node.with_changes(body=libcst.IndentedBlock([*lines, *inner]))
        first = 1 if updated_node.get_docstring(clean=False) is not None else 0
        body = [*block.body[:first], *lines, *block.body[first:]]
        return updated_node.with_changes(body=block.with_changes(body=body))


FIXER = DeferrableImportFixer()
