"""code_quality: rules of ruff that a maintainer would take a change for, and the words for it.

Left out: pure style that differs between projects (import order, quotes, docstring form), and what
only makes sense for a whole project at once.
"""

from dataclasses import dataclass

from shared.contracts.base import Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@dataclass(frozen=True)
class Rule:
    """`code` is ruff's; `phrase` is what a fix does, as the subject of a commit says it."""

    code: str
    severity: Severity
    phrase: str


# Wrong, or likely to be.
SUSPICIOUS = {
    "B004": "test for callables with callable()",
    "B006": "do not share mutable defaults between calls",
    "E711": "compare with None by identity",
    "F504": "drop unused named format arguments",
    "F522": "drop unused named format arguments",
    "F523": "drop unused positional format arguments",
    "F632": "compare literals by value",
    "F811": "drop definitions that are redefined unused",
    "F901": "raise NotImplementedError, not NotImplemented",
    "PLE0241": "name each base class once",
    "PLW0245": "call super with parentheses",
    "PLW1507": "copy os.environ by its own method",
    "RUF024": "do not share a mutable value between keys",
    "W605": "escape backslashes in string literals",
}
# Dead weight, or needlessly hard to read.
UNTIDY = {
    "B007": "mark loop variables that are not used",
    "B009": "access constant attribute names directly",
    "B010": "set constant attribute names directly",
    "B013": "name single exceptions without a tuple",
    "B014": "name each caught exception once",
    "B033": "name each set item once",
    "C400": "use list comprehensions in place of list()",
    "C401": "use set comprehensions in place of set()",
    "C402": "use dict comprehensions in place of dict()",
    "C403": "use set comprehensions in place of set()",
    "C404": "use dict comprehensions in place of dict()",
    "C405": "use set literals in place of set()",
    "C406": "use dict literals in place of dict()",
    "C409": "use tuple literals in place of tuple()",
    "C410": "use list literals in place of list()",
    "C411": "drop list() around what is a list",
    "C413": "drop needless calls around sorted()",
    "C414": "drop needless nested conversions",
    "C416": "convert directly in place of a bare comprehension",
    "C417": "use comprehensions in place of map() with a lambda",
    "C418": "drop dict() around what is a dict",
    "C419": "pass generators to any() and all()",
    "E712": "test truth without comparing to True or False",
    "E713": "write not in for membership tests",
    "E714": "write is not for identity tests",
    "E731": "define functions with def, not by assigning a lambda",
    "F401": "remove unused imports",
    "F541": "drop f prefixes without placeholders",
    "F841": "remove unused local variables",
    "PERF101": "iterate without a needless list()",
    "PERF102": "iterate only over the keys or values that are used",
    "PIE790": "remove placeholders that hold no place",
    "PIE794": "define class fields once",
    "PIE800": "drop needless dict spreads",
    "PIE804": "pass keyword arguments directly",
    "PIE810": "test several prefixes or suffixes in one call",
    "PLC0208": "iterate over a sequence in place of a set literal",
    "PLC0414": "drop import aliases that rename nothing",
    "PLR0402": "import submodules with from",
    "PLR1711": "remove a return that ends a function anyway",
    "PLR1714": "merge repeated equality tests",
    "PLR1730": "use min() and max() in place of an if",
    "PLR1733": "use the value the dict loop already has",
    "PLR1736": "use the item enumerate() already gives",
    "PLR5501": "write elif in place of else and if",
    "PLW0120": "drop else from loops without a break",
    "PLW3301": "flatten nested min() and max()",
    "RET501": "leave out None where only None is returned",
    "RET502": "return None explicitly beside other values",
    "RET504": "return values without naming them first",
    "RET505": "drop else after return",
    "RET506": "drop else after raise",
    "RET507": "drop else after continue",
    "RET508": "drop else after break",
    "RSE102": "raise exceptions without empty parentheses",
    "RUF015": "take the first item without building a list",
    "RUF017": "flatten lists in linear time",
    "RUF019": "look a key up once",
    "RUF051": "remove keys with pop()",
    "RUF059": "mark unpacked variables that are not used",
    "SIM101": "test several types in one isinstance()",
    "SIM102": "merge nested ifs",
    "SIM103": "return conditions directly",
    "SIM105": "suppress exceptions with contextlib.suppress",
    "SIM110": "use any() and all() in place of a loop",
    "SIM114": "merge branches that do the same",
    "SIM117": "merge nested with statements",
    "SIM118": "test for keys without keys()",
    "SIM201": "write != in place of not ==",
    "SIM202": "write == in place of not !=",
    "SIM208": "drop double negations",
    "SIM210": "drop True if … else False",
    "SIM211": "write not in place of False if … else True",
    "SIM212": "untwist conditional expressions",
    "SIM220": "replace contradictions by False",
    "SIM221": "replace tautologies by True",
    "SIM222": "simplify conditions with a constant",
    "SIM223": "simplify conditions with a constant",
    "SIM401": "look up with a default by dict.get()",
    "SIM910": "drop the None default of dict.get()",
    "SIM911": "iterate over items() in place of zipped keys and values",
}
# Older idiom than the target's Python needs.
DATED = {
    "C408": "use literals in place of dict(), list() and tuple()",
    "C420": "build constant dicts with dict.fromkeys",
    "FLY002": "use an f-string in place of a static join",
    "FURB105": "print empty lines without an argument",
    "FURB110": "use or in place of a conditional expression",
    "FURB122": "write lines with writelines()",
    "FURB129": "iterate over files directly",
    "FURB132": "remove set items with discard()",
    "FURB136": "use min() and max() in place of a conditional",
    "FURB157": "build Decimal from plain literals",
    "FURB161": "count bits with bit_count()",
    "FURB163": "use the logarithm made for the base",
    "FURB166": "parse integers with a base of 0",
    "FURB167": "spell regular expression flags out",
    "FURB168": "compare with None by identity",
    "FURB169": "compare with None by identity",
    "FURB171": "compare single items with ==",
    "FURB177": "use Path.cwd()",
    "FURB181": "use hexdigest()",
    "FURB187": "reverse lists in place",
    "FURB188": "use removeprefix() and removesuffix()",
    "FURB192": "use min() and max() in place of sorting",
    "LOG009": "use logging.WARNING",
    "G010": "use warning() in place of warn()",
    "PIE808": "drop the start of range() where it is 0",
    "PLR1722": "exit with sys.exit()",
    "RUF005": "unpack into literals in place of adding lists",
    "RUF007": "pair neighbours with itertools.pairwise()",
    "RUF010": "use conversion flags in f-strings",
    "RUF046": "drop int() around what is an int",
    "RUF057": "drop round() around what is an int",
    "RUF058": "use map() in place of starmap over zip",
    "SIM300": "put the constant last in comparisons",
    "SIM905": "write lists in place of splitting literals",
    "UP003": "name builtin types directly",
    "UP004": "drop object as a base class",
    "UP005": "use the unittest methods that are not deprecated",
    "UP008": "call super() without arguments",
    "UP009": "drop the UTF-8 coding comment",
    "UP010": "drop __future__ imports that are the default",
    "UP011": "drop the parentheses of lru_cache",
    "UP012": "encode UTF-8 by default",
    "UP015": "open files in their default mode",
    "UP018": "use literals in place of conversions",
    "UP020": "use the builtin open()",
    "UP021": "use text in place of universal_newlines",
    "UP022": "use capture_output",
    "UP023": "use xml.etree.ElementTree",
    "UP024": "catch and raise OSError by its name",
    "UP025": "drop the u prefix of strings",
    "UP026": "use unittest.mock",
    "UP028": "use yield from",
    "UP029": "drop imports of builtins",
    "UP030": "number format fields implicitly",
    "UP031": "use format() in place of %",
    "UP032": "use f-strings",
    "UP033": "use functools.cache",
    "UP034": "drop needless parentheses",
    "UP035": "import from where names live now",
    "UP036": "drop blocks for Python versions out of support",
    "UP037": "drop quotes around annotations",
    "UP039": "drop empty parentheses of classes",
    "UP041": "name TimeoutError directly",
}

RULES: dict[str, Rule] = {
    code: Rule(code, severity, phrase)
    for severity, group in ((ERROR, SUSPICIOUS), (WARNING, UNTIDY), (NOTE, DATED))
    for code, phrase in group.items()
}

# How often a fix of that kind turns out well, before anything is known about this target.
PRIOR_SAFE, PRIOR_UNSAFE = 0.95, 0.7


def commit_type(rule: Rule) -> str:
    """Conventional Commits' type of a fix of that rule."""
    if rule.severity is ERROR:
        return "fix"
    return "perf" if rule.code.startswith("PERF") else "refactor"
