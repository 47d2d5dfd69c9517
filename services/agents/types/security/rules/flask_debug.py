"""Flask's debug mode is no longer turned on in the code."""

import ast

from services.agents.types.security.calls import drop_keyword
from services.agents.types.security.code import is_constant, keyword_of
from services.agents.types.security.rule import ADVICE, Judgement, Spot, WeaknessRule, code, example
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity


def judge(spot: Spot) -> Judgement:
    """Fix calls of `run` that pass a constant true."""
    for call in spot.calls():
        debug = keyword_of(call, "debug")
        if debug is not None and is_constant(debug.value, value=True):
            is_run = isinstance(call.func, ast.Attribute) and call.func.attr == "run"
            return spot.rewrite(call, drop_keyword("debug")) if is_run else ADVICE
    return ADVICE


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S201",
        phrase="take Flask's debug mode from FLASK_DEBUG",
        severity=Severity.ERROR,
        commit_type="fix",
        behaviour=FixBehaviour(
            "whether the debugger and the reloader run: they do where FLASK_DEBUG is set"
        ),
    ),
    judge,
    "The debugger runs any code for whoever reaches the page. Without the argument Flask does "
    "what the variable FLASK_DEBUG says.",
    examples=(
        example(
            """
            from flask import Flask

            app = Flask(__name__)
            app.run(debug=True)
            """,
            """
            from flask import Flask

            app = Flask(__name__)
            app.run()
            """,
        ),
        example(
            """
            from flask import Flask

            app = Flask(__name__)
            app.run(host='::1', debug=True)
            """,
            """
            from flask import Flask

            app = Flask(__name__)
            app.run(host='::1')
            """,
        ),
        example(
            """
            from flask import Flask

            app = Flask(__name__)
            app.run(
                debug=True,
                port=80,
            )
            """,
            """
            from flask import Flask

            app = Flask(__name__)
            app.run(
                port=80,
            )
            """,
        ),
    ),
    left_alone=(
        code(
            """
            from flask import Flask

            app = Flask(__name__)
            app.run(debug=options.debug)
            """
        ),
        code(
            """
            import asyncio

            asyncio.run(main(), debug=True)
            """
        ),
        code(
            """
            from flask import Flask

            app = Flask(__name__)
            app.run(debug=False)
            """
        ),
    ),
)
