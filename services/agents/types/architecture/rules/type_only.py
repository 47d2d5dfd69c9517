"""Moves imports that only annotations need under `if TYPE_CHECKING`."""

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import libcst

from services.agents.types.architecture.rules.statements import (
    ImportNode,
    read_module,
    top_import,
    with_names,
    without_gaps,
)
from services.agents.types.architecture.rules.type_block import with_type_block
from shared.agent_types import FixBehaviour, FixerDeclaration, Priors
from shared.contracts.base import Severity
from shared.detectors.imports.cutting import FileUses, read_uses
from shared.detectors.imports.uses import UseTime
from shared.detectors.ports import FixableFinding
from shared.detectors.texts import Edit, Edits, apply_fixes, split_lines

DECLARATION = FixerDeclaration(
    rule="imports:type-only",
    phrase="import names only for type checkers",
    severity=Severity.WARNING,
    priors=Priors(safe=0.95, unsafe=0.85),
    behaviour=FixBehaviour(
        "what reads the annotations while the program runs, and what importing the module does",
        unless=("imports.type-only-import",),
    ),
    quoted=True,
)


class TypeOnlyImportFixer:
    """Moves the names of import statements, and writes annotations that are evaluated as texts."""

    declaration = DECLARATION

    def why(self) -> str:
        """Return why an import for annotations is better not made at run time."""
        return (
            "Modules that import each other only work in one order of importing them, and what "
            "only annotations need is not needed while the program runs."
        )

    def fix(self, text: str, found: Sequence[FixableFinding]) -> tuple[str, tuple[int, ...]]:
        """Return the text without these findings, and the indices of those that were removed."""
        uses = read_uses(text.encode())
        module, statements = read_module(text)
        moves = [_move(statements.get(each.finding.line), uses) for each in found]
        chosen = [each for each in moves if each is not None]
        if not chosen:
            return text, ()
        names = [name for each in chosen for name in each.names]
        # Texts in place of annotations leave the lines of statements where they are.
        module, statements = read_module(_with_texts(text, uses, names))
        chosen = [each for e in found if (each := _move(statements.get(e.finding.line), uses))]
        kept = {each.line: each.kept_line for each in chosen}
        body = with_type_block(without_gaps(module, kept), [each.moved for each in chosen])
        fixed = module.with_changes(body=body).code
        return fixed, tuple(n for n, each in enumerate(moves) if each is not None)


@dataclass(frozen=True)
class _Move:
    """An import statement: the part of it that is moved, binding `names`, and what is kept."""

    line: libcst.BaseStatement
    names: tuple[str, ...]
    moved: ImportNode
    kept: ImportNode | None

    @property
    def kept_line(self) -> libcst.BaseStatement | None:
        """The line with what is kept; None if nothing is."""
        return None if self.kept is None else self.line.with_changes(body=[self.kept])


def _move(node: libcst.BaseStatement | None, uses: FileUses) -> _Move | None:
    """Return what is moved of a statement; None where it is no import that can be."""
    imported = top_import(node)
    if node is None or imported is None:
        return None
    names = tuple(name for name in imported.bound if uses.is_type_only(name))
    moved = with_names(imported, names)
    rest = [name for name in imported.bound if name not in names]
    return None if moved is None else _Move(node, names, moved, with_names(imported, rest))


def _with_texts(text: str, uses: FileUses, names: Collection[str]) -> str:
    """Return the text with the annotations that evaluate one of these names written as texts."""
    annotations = {
        use.annotation: use
        for name in names
        for use in uses.uses[name]
        if use.when is UseTime.EAGER and use.annotation is not None
    }
    lines = split_lines(text)
    return apply_fixes(text, [_quoted(each, lines) for each in annotations])[0]


def _quoted(annotation: ast.expr, lines: Sequence[str]) -> Edits:
    """Return the edits that put an annotation, which is on one line, into quotation marks."""
    row, line = annotation.lineno, lines[annotation.lineno - 1].encode()
    ends = annotation.col_offset, annotation.end_col_offset or 0
    return tuple(Edit(at, at, '"') for at in ((row, len(line[:end].decode()) + 1) for end in ends))


FIXER = TypeOnlyImportFixer()
