"""The rules of ruff that are looked for, and how bad it is to break one.

Chosen so that a maintainer would take a change for each. Left out: pure style that differs between
projects (import order, quotes, docstring form), and what only makes sense for a whole project at once.
"""

from shared.contracts.base import Severity

# Wrong, or likely to be.
SUSPICIOUS = """
    B004 B006 E711 F504 F522 F523 F632 F811 F901 PLE0241 PLW0245 PLW1507 RUF024 W605
"""
# Dead weight, or needlessly hard to read.
UNTIDY = """
    B007 B009 B010 B013 B014 B033 C400 C401 C402 C403 C404 C405 C406 C409 C410 C411 C413
    C414 C416 C417 C418 C419 E712 E713 E714 E731 F401 F541 F841 PERF101 PERF102 PIE790
    PIE794 PIE800 PIE804 PIE810 PLC0208 PLC0414 PLR0402 PLR1711 PLR1714 PLR1730 PLR1733
    PLR1736 PLR5501 PLW0120 PLW3301 RET501 RET502 RET504 RET505 RET506 RET507 RET508 RSE102
    RUF015 RUF017 RUF019 RUF051 RUF059 SIM101 SIM102 SIM103 SIM105 SIM110 SIM114 SIM117
    SIM118 SIM201 SIM202 SIM208 SIM210 SIM211 SIM212 SIM220 SIM221 SIM222 SIM223 SIM401
    SIM910 SIM911
"""
# Older idiom than the target's Python needs.
DATED = """
    C408 C420 FLY002 FURB105 FURB110 FURB122 FURB129 FURB132 FURB136 FURB157 FURB161 FURB163
    FURB166 FURB167 FURB168 FURB169 FURB171 FURB177 FURB181 FURB187 FURB188 FURB192 LOG009
    G010 PIE808 PLR1722 RUF005 RUF007 RUF010 RUF046 RUF057 RUF058 SIM300 SIM905 UP003 UP004
    UP005 UP008 UP009 UP010 UP011 UP012 UP015 UP018 UP020 UP021 UP022 UP023 UP024 UP025
    UP026 UP028 UP029 UP030 UP031 UP032 UP033 UP034 UP035 UP036 UP037 UP039 UP041
"""
GROUPS = {Severity.ERROR: SUSPICIOUS, Severity.WARNING: UNTIDY, Severity.NOTE: DATED}

# In the order in which they are fixed.
SEVERITIES: dict[str, Severity] = {
    code: severity for severity, codes in GROUPS.items() for code in codes.split()
}

# What opens a door, by bandit's rules. Nothing is proposed by them; a change must not add one. Left
# out is what is mostly fine: assert, random, running a program, and imports as such.
SECURITY = frozenset(
    [
        "S102",
        "S103",
        "S104",
        "S105",
        "S106",
        "S107",
        "S108",
        "S110",
        "S112",
        "S113",
        "S201",
        "S202",
        "S301",
        "S302",
        "S306",
        "S307",
        "S308",
        "S310",
        "S312",
        "S313",
        "S314",
        "S315",
        "S316",
        "S317",
        "S318",
        "S319",
        "S321",
        "S323",
        "S324",
        "S501",
        "S502",
        "S503",
        "S504",
        "S505",
        "S506",
        "S507",
        "S508",
        "S509",
        "S601",
        "S602",
        "S604",
        "S605",
        "S608",
        "S609",
        "S610",
        "S611",
        "S612",
        "S701",
        "S702",
        "S704",
    ]
)


def severity_of(rule: str) -> Severity:
    """How bad it is; what is no rule of ours is a syntax error."""
    return Severity.WARNING if rule in SECURITY else SEVERITIES.get(rule, Severity.ERROR)
