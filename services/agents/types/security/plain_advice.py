"""Which findings of rules without a fix are worth advice: the code around them decides."""

import ast
from collections.abc import Callable, Mapping

from services.agents.types.security.rule import ADVICE, DISMISSED, Judgement, Spot


def _of_constant(spot: Spot) -> Judgement:
    """Dismiss calls whose first argument is a constant: nobody else has a say in it."""
    call = next(iter(spot.calls()), None)
    given = call.args[0] if call is not None and call.args else None
    return DISMISSED if isinstance(given, ast.Constant) else ADVICE


def _of_address(spot: Spot) -> Judgement:
    """Dismiss addresses that are only compared with."""
    for each in spot.nodes:
        if isinstance(each, ast.Compare | ast.Match):
            return DISMISSED
        if isinstance(each, ast.stmt):
            break
    return ADVICE


ADVICE_JUDGES: Mapping[str, Callable[[Spot], Judgement]] = {
    "S102": _of_constant,
    "S104": _of_address,
    "S302": _of_constant,
    "S604": _of_constant,
    "S605": _of_constant,
}
