"""Whether an edit keeps behaviour, as far as the code shows without running it.

A rule declares what its fix may change, and names conditions under which it does not. A condition
is a pure function over the syntax tree that looks at one place where two versions of a file differ.
It recognizes the edit and what is true around it, and its docstring argues why that is sufficient.
Agents use this to sort what they propose, and the gate checks it again on what it is given.

The arguments rest on four assumptions: a builtin that a module does not bind is Python's own; no
code replaces parts of the standard library; special methods other than those that are asked about
(reading an attribute, formatting, comparing) have no effects besides their answer or exception,
which is no StopIteration but from `__next__`; and `str(x)` gives a text of exactly that type, as do
the other conversions.
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
