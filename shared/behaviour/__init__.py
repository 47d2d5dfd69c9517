"""Whether an edit keeps behaviour, as far as the code shows without running it.

A rule declares what its fix may change, and names conditions under which it does not. A condition
is a pure function over the syntax tree that looks at one place where two versions of a file differ.
It recognizes the edit and what is true around it, and its docstring argues why that is sufficient.
Agents use this to sort what they propose, and the gate checks it again on what it is given.

The arguments rest on three assumptions: a builtin that a module does not bind is Python's own; no
code replaces parts of the standard library; and special methods other than those that are asked
about (reading an attribute, formatting, comparing) have no effects besides their answer or
exception.
"""

from shared.behaviour.check import BehaviourCheck, check_behaviour
from shared.behaviour.declarations import FixBehaviour, FixClass
from shared.behaviour.evidence_of_change import judge_behaviour
from shared.behaviour.repository_names import RepositoryNames

__all__ = [
    "BehaviourCheck",
    "FixBehaviour",
    "FixClass",
    "RepositoryNames",
    "check_behaviour",
    "judge_behaviour",
]
