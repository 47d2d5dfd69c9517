"""The rules that fix, one module each, in the order in which their fixes are applied."""

from services.agents.types.security.rules import (
    autoescape,
    checking_assert,
    eval_literal,
    flask_debug,
    request_timeout,
    secret_chance,
    shell_words,
    sql_parameters,
    tar_filter,
    temporary_name,
    weak_hash,
    xml_parser,
    yaml_load,
)

__all__ = ["RULES"]

RULES = (
    weak_hash.RULE,
    eval_literal.RULE,
    sql_parameters.RULE,
    yaml_load.RULE,
    secret_chance.RULE,
    temporary_name.RULE,
    tar_filter.RULE,
    flask_debug.RULE,
    autoescape.RULE,
    shell_words.RULE,
    request_timeout.RULE,
    checking_assert.RULE,
    *xml_parser.RULES,
)
