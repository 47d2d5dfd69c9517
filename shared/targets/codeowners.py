"""The components that a CODEOWNERS file names."""

from shared.targets.components import Component
from shared.targets.tree import Tree

CODEOWNERS_PATHS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")


def components_of_codeowners(tree: Tree) -> tuple[Component, ...]:
    """One component per CODEOWNERS entry that names a part; a `*` for everything names none."""
    content = next((data for path in CODEOWNERS_PATHS if (data := tree.read(path))), b"")
    found = []
    for line in content.decode(errors="replace").splitlines():
        pattern, *owners = line.split("#")[0].split() or [""]
        name = pattern.strip("/*").replace("/", ".")
        if name and owners and not name.startswith("["):
            found.append(
                Component(
                    name=name,
                    paths=(pattern,),
                    source="CODEOWNERS",
                    owners=tuple(owners),
                    reason=f"{pattern} is owned by {' '.join(owners)}",
                )
            )
    return tuple(found)
