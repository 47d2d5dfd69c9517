"""For each condition, code on which ruff's fix keeps behaviour, and code where that is open.

Each case is a rule of ruff's, what the fix is tried on where the condition holds, and where it does
not. The fixes are ruff's own, so the forms are those that really come.
"""

# ruff: noqa: E501  (a case is a line)

from typing import NamedTuple


class Case(NamedTuple):
    condition: str
    rule: str
    holds: str
    open: str
    # Where ruff offers no fix of the open side, what a careless one would make of it.
    after: str = ""
    # What several of ruff's fixes together make of the side that holds.
    made: str = ""


CASES = [
    Case("spelling.display", "C408", "x = dict(a=1)\n", "from m import *\nx = dict(a=1)\n"),
    Case("spelling.display", "C405", "x = set([1, 2])\n", "x = set([*y, 2])\n"),
    Case(
        "spelling.display",
        "C406",
        "x = dict([(a(), 2)])\n",
        "from m import *\nx = dict([(1, 2)])\n",
    ),
    Case("spelling.display", "C409", "x = tuple([a, f()])\n", "from m import *\nx = tuple([a])\n"),
    Case("spelling.display", "C410", "x = list((a, b))\n", "from m import *\nx = list((a, b))\n"),
    Case(
        "spelling.display",
        "C411",
        "x = list([f(a) for a in b])\n",
        "from m import *\nx = list([a for a in b])\n",
    ),
    Case("spelling.display", "C418", "x = dict({a: f()})\n", "from m import *\nx = dict({a: 1})\n"),
    Case(
        "spelling.attribute-by-name",
        "B009",
        'x = getattr(f(), "name")\n',
        'from m import *\nx = getattr(a, "name")\n',
    ),
    Case(
        "spelling.attribute-by-name",
        "B010",
        'setattr(x, "name", f())\n',
        'setattr(g(), "name", f())\n',
    ),
    Case("spelling.unpacked-display", "PIE800", "x = {**{a: f()}, b: 2}\n", ""),
    Case(
        "spelling.unpacked-display",
        "PIE804",
        'f(**{"a": g()})\n',
        'class A:\n    def m(self):\n        f(**{"__a": 1})\n',
    ),
    Case("spelling.mirrored-comparison", "SIM300", 'x = "a" == f(y)\n', "x = LIMIT < f(y)\n"),
    Case("spelling.computed-constant", "SIM905", 'x = "a b".split()\n', ""),
    Case(
        "spelling.computed-constant",
        "FURB157",
        'from decimal import Decimal\nx = Decimal("1")\n',
        'from decimal import Decimal\nfrom m import *\nx = Decimal("1")\n',
    ),
    Case("spelling.computed-constant", "UP018", 'x = int("1")\ny = str("a")\n', ""),
    Case("spelling.computed-constant", "UP012", 'x = "a".encode("utf-8")\n', ""),
    Case(
        "formatting.numbered-fields",
        "UP030",
        'x = "{0} {1}".format(a, b())\n',
        'x = "{1} {0}".format(a, b())\n',
    ),
    Case(
        "formatting.conversion-flag",
        "RUF010",
        'x = f"{str(a)}"\n',
        'from m import *\nx = f"{str(a)}"\n',
    ),
    Case(
        "formatting.formatted-in-order",
        "UP032",
        'x = "{} {b.c!r:>3}".format(f(), b=b)\n',
        'x = "{} {}".format(a, f())\n',
    ),
    Case(
        "formatting.formatted-in-order",
        "UP032",
        'x = "{:>3} {} {}".format(repr(a), str(f()), b.c)\n',
        'from m import *\nx = "{} {}".format(str(a), str(b))\n',
    ),
    Case(
        "calls.alias",
        "UP024",
        "raise IOError\n",
        "from m import *\n\nraise IOError\n",
    ),
    Case(
        "calls.alias",
        "FURB167",
        "import re\nre.compile(x, re.I)\n",
        "import re\nif a:\n    import re\nre.compile(x, re.I)\n",
    ),
    Case(
        "calls.alias",
        "LOG009",
        "import logging\nlogging.WARN\n",
        "import logging\nif a:\n    import logging\nlogging.WARN\n",
    ),
    Case(
        "calls.alias",
        "UP020",
        "import io\nwith io.open(a) as f: ...\n",
        "from m import *\nimport io\nwith io.open(a) as f: ...\n",
    ),
    Case(
        "calls.alias",
        "UP041",
        "import socket\nraise socket.timeout\n",
        "import asyncio\nraise asyncio.TimeoutError\n",
    ),
    Case(
        "calls.default-argument",
        "PIE808",
        "for x in range(0, n): ...\n",
        "from m import *\nfor x in range(0, n): ...\n",
    ),
    Case("calls.default-argument", "UP015", 'f = open(p, "r", encoding=e)\n', ""),
    Case(
        "calls.cache-decorator",
        "UP011",
        "import functools\n@functools.lru_cache()\ndef f(): ...\n",
        "import functools\nfrom m import *\n@functools.lru_cache()\ndef f(): ...\n",
    ),
    Case(
        "calls.cache-decorator",
        "UP033",
        "import functools\n@functools.lru_cache(maxsize=None)\ndef f(): ...\n",
        "",
    ),
    Case(
        "calls.subprocess-argument",
        "UP021",
        "import subprocess\nsubprocess.run(a, universal_newlines=True)\n",
        "import subprocess\nif a:\n    import subprocess\nsubprocess.run(a, universal_newlines=True)\n",
    ),
    Case(
        "calls.subprocess-argument",
        "UP022",
        "from subprocess import PIPE, run\nrun(a, stdout=PIPE, stderr=PIPE)\n",
        "from subprocess import PIPE, run\nif a:\n    from subprocess import run\nrun(a, stdout=PIPE, stderr=PIPE)\n",
    ),
    Case(
        "calls.object-base",
        "UP004",
        "class A(object): ...\n",
        "class A(object, metaclass=M): ...\n",
    ),
    Case(
        "calls.zero-argument-super",
        "UP008",
        "class A(ValueError):\n    def m(self):\n        return super(A, self).m()\n",
        "@dataclass(slots=True)\nclass A:\n    def m(self):\n        return super(A, self).m()\n",
    ),
    Case(
        "calls.raised-class",
        "RSE102",
        "class E(Exception): ...\ndef f():\n    raise E()\n",
        "from m import e\ndef f():\n    raise e.E()\n",
    ),
    Case("exceptions.caught-exceptions", "B013", "try: f()\nexcept (ValueError,): ...\n", ""),
    Case(
        "exceptions.caught-exceptions",
        "B014",
        "try: f()\nexcept (A, A, ValueError): ...\n",
        "",
    ),
    Case(
        "exceptions.caught-exceptions",
        "UP024",
        "try: f()\nexcept (IOError, OSError): ...\n",
        "from m import *\ntry: f()\nexcept (IOError, m()): ...\n",
    ),
    Case(
        "exceptions.comprehension",
        "C400",
        "x = list(a + 1 for a in b())\n",
        "x = list(next(a) for a in b)\n",
    ),
    Case(
        "exceptions.comprehension",
        "C401",
        "x = set(a.b for a in b)\n",
        "x = set(f(a) for a in b)\n",
    ),
    Case(
        "exceptions.comprehension",
        "C402",
        "x = dict((a, a.b) for a in b)\n",
        "x = dict((a, f(a)) for a in b)\n",
    ),
    Case(
        "exceptions.comprehension",
        "C403",
        "x = set([a is None for a in b])\n",
        "x = set([a.b for a in b])\n",
    ),
    Case(
        "exceptions.comprehension",
        "C404",
        "x = dict([(a, 1) for a in (b, c)])\n",
        "x = dict([(a, 1) for a in b])\n",
    ),
    Case(
        "exceptions.loop-as-any",
        "SIM110",
        "def f(a):\n    for b in a:\n        if b is None:\n            return True\n    return False\n",
        "def f(a):\n    for b in a:\n        if next(b):\n            return True\n    return False\n",
    ),
    Case("exceptions.first-item", "RUF015", "x = list([a, b])[0]\n", "x = list(y)[0]\n"),
    Case(
        "laziness.short-circuit",
        "C419",
        "def f(a, b):\n    return all([isinstance(x, str) for x in (a, b)])\n",
        "def f(workers):\n    return all([worker.send() for worker in workers])\n",
    ),
    Case(
        "laziness.dropped-arguments",
        "F504",
        'x = "%(a)s" % {"a": 1, "b": c}\n',
        'x = "%(a)s" % {"a": 1, "b": c()}\n',
    ),
    Case(
        "laziness.dropped-arguments",
        "F522",
        'x = "{a}".format(a=1, b=c)\n',
        'x = "{a}".format(a=1, b=c())\n',
    ),
    Case(
        "laziness.dropped-arguments",
        "F523",
        'x = "{0}".format(1, c)\n',
        'x = "{0}".format(1, c())\n',
    ),
    Case(
        "laziness.repeated-operand", "FURB110", "x = a if a else b()\n", "x = a.b if a.b else c\n"
    ),
    Case("laziness.repeated-operand", "SIM212", "x = b if not a else a\n", "", made="x = a or b\n"),
    Case(
        "laziness.turned-round",
        "SIM212",
        "x = b if not a else a\n",
        "x = b if not a else c\n",
        "x = b if a else c\n",
    ),
    Case(
        "laziness.merged-isinstance",
        "SIM101",
        "x = isinstance(a, int) or isinstance(a, str)\n",
        "x = isinstance(a, int) or isinstance(a, f())\n",
    ),
    Case(
        "aliasing.reversed-in-place",
        "FURB187",
        'def f(a):\n    b = [c for c in a]\n    b = b[::-1]\n    return ", ".join(b)\n',
        "def f(b: list):\n    b = b[::-1]\n    return b\n",
    ),
    Case(
        "aliasing.iterated-directly",
        "PERF101",
        "def f():\n    a = [1, 2]\n    for b in list(a):\n        g(b)\n",
        "def f():\n    a = [1, 2]\n    for b in list(a):\n        g(a)\n",
    ),
    Case(
        "aliasing.unpacked-sum",
        "RUF005",
        "def f(b):\n    a = list(b)\n    return [1] + a\n",
        "def f(a):\n    return [1] + a\n",
    ),
    Case(
        "ordering.copied-list",
        "C413",
        "x = list(sorted(a))\n",
        "x = list(reversed(sorted(a, key=k)))\n",
    ),
    Case("ordering.copied-list", "C414", "x = sorted(list(a), key=k)\n", "x = set(sorted(a))\n"),
    Case(
        "ordering.extreme-of-plain-values",
        "FURB136",
        "def f(a, b):\n    c = len(a)\n    d = len(b)\n    return c if c > d else d\n",
        "def f(a, b):\n    return a if a > b else b\n",
    ),
    Case(
        "ordering.extreme-of-plain-values",
        "PLR1730",
        "def f(a, b):\n    c = len(a)\n    d = len(b)\n    if c < d:\n        c = d\n    return c\n",
        "def f(a, b):\n    if a < b:\n        a = b\n    return a\n",
    ),
    Case(
        "ordering.extreme-of-plain-values",
        "PLW3301",
        "x = min(min(a, b), c)\n",
        "x = min(a, min(b, c))\n",
    ),
    Case("ordering.single-item", "PLC0208", "for x in {1}: ...\n", "for x in {1, 2}: ...\n"),
    Case(
        "lifetime.unused-name",
        "F841",
        "def f():\n    a = len(b)\n",
        'def f(acquire, job):\n    guard = acquire("work")\n    return job()\n',
    ),
    Case(
        "lifetime.unused-exception",
        "F841",
        "def f():\n    try: g()\n    except ValueError as e: h()\n",
        "def f():\n    try: g()\n    except ValueError as e: h(locals())\n",
    ),
    Case(
        "lifetime.unused-context",
        "F841",
        "def f(p):\n    with open(p) as g: h()\n",
        "def f(p):\n    with lock(p) as g: h()\n",
    ),
    Case(
        "defaults.fresh-default",
        "B006",
        "def f(a=[]):\n    if a:\n        return 1\n",
        "def f(a=[0]):\n    a[0] += 1\n",
    ),
    Case("types.none-comparison", "E711", "x = len(a) == None\n", "x = table.column == None\n"),
    Case(
        "types.bool-comparison",
        "E712",
        "def f(a):\n    b = a is None\n    if b == True: ...\n",
        "def f(a):\n    if a.get(b) == True: ...\n",
    ),
    Case("types.negated-equality", "SIM201", "x = not len(a) == len(b)\n", "x = not a == b\n"),
    Case("types.negated-equality", "SIM202", "x = not len(a) != len(b)\n", "x = not a != b\n"),
    Case("types.truth-value", "SIM208", "if not (not a): ...\n", ""),
    Case(
        "types.truth-value",
        "SIM210",
        "x = True if a else False\n",
        "from m import *\nx = True if a.c else False\n",
    ),
    Case("types.truth-value", "SIM211", "x = False if a else True\n", ""),
    Case(
        "types.truth-value",
        "SIM103",
        "def f(a):\n    if a:\n        return True\n    else:\n        return False\n",
        "def f(a):\n    if a == 1:\n        return True\n    else:\n        return False\n",
    ),
    Case(
        "types.joined-texts",
        "FLY002",
        'def f(a):\n    b = str(a)\n    return "/".join(["x", b])\n',
        'def f(a):\n    return "/".join(["x", a])\n',
    ),
    Case(
        "types.percent-format", "UP031", 'x = "%s: %r" % (len(a), b)\n', 'x = "%s: %.2f" % (a, b)\n'
    ),
    Case(
        "percent.as-f-string",
        "UP031",
        'x = "%s: %r%%" % (str(a), b)\n',
        'x = "%s: %r" % (str(a), b)\n',
        'x = f"{b!s}: {a!r}"\n',
        'x = f"{a!s}: {b!r}%"\n',
    ),
    Case(
        "dict-types.dict-lookup",
        "SIM118",
        "def f(a):\n    b = {}\n    return a in b.keys()\n",
        "def f(a, b):\n    return a in b.keys()\n",
    ),
    Case(
        "dict-types.dict-lookup",
        "SIM910",
        "def f(a):\n    b = {}\n    return b.get(a, None)\n",
        "def f(a, b: dict):\n    return b.get(a, None)\n",
    ),
    Case(
        "dict-types.dict-lookup",
        "SIM911",
        "def f(a):\n    b = {}\n    for x, y in zip(b.keys(), b.values()): ...\n",
        "",
    ),
    Case(
        "dict-types.checked-removal",
        "RUF051",
        "def f(a):\n    b = {}\n    c = str(a)\n    if c in b:\n        del b[c]\n",
        "def f(a):\n    b = {}\n    if a in b:\n        del b[a]\n",
    ),
    Case(
        "dict-types.checked-removal",
        "FURB132",
        "def f(a):\n    b = set()\n    if a in b:\n        b.remove(a)\n",
        "",
    ),
    Case(
        "dict-types.lookup-with-default",
        "SIM401",
        "def f(a, c):\n    b = {}\n    d = b[a] if a in b else c\n",
        "def f(a, c):\n    b = {}\n    d = b[a] if a in b else c.d\n",
    ),
    Case(
        "dict-types.lookup-with-default",
        "RUF019",
        "def f(a):\n    b = {}\n    if a in b and b[a]: ...\n",
        "def f(a, b):\n    if a in b and b[a]: ...\n",
    ),
    Case(
        "dict-types.unused-half-of-items",
        "PERF102",
        "def f(a):\n    b = {}\n    for _, x in b.items():\n        g(x)\n",
        "def f(b):\n    for _, x in b.items():\n        g(x)\n",
    ),
    Case(
        "duplicates.repeated-field",
        "PIE794",
        "class A:\n    b = 1\n    c = 2\n    b = 1\n",
        "class A:\n    b = 1\n    c = 2\n    b = 3\n",
    ),
    Case(
        "duplicates.repeated-import",
        "F811",
        "import os\nimport sys\nimport os\nos, sys\n",
        "import os\nfrom m import x\nimport os\nos, x\n",
    ),
    Case("duplicates.repeated-item", "B033", "x = {1, 2, 1}\n", "x = {f(), f()}\n", "x = {f()}\n"),
    Case(
        "plain-types.merged-prefixes",
        "PIE810",
        'def f(a):\n    b = str(a)\n    return b.startswith("x") or b.startswith("y")\n',
        'def f(b):\n    return b.startswith("x") or b.startswith("y")\n',
    ),
    Case(
        "plain-types.merged-comparisons",
        "PLR1714",
        'def f(a):\n    b = str(a)\n    return b == "x" or b == "y"\n',
        'def f(b):\n    return b == "x" or b == "y"\n',
    ),
    Case("plain-types.merged-comparisons", "FURB171", "x = 1 in (2,)\n", "x = a in (2,)\n"),
    Case("plain-types.needless-int", "RUF046", "x = int(len(a))\n", "x = int(round(a))\n"),
    Case("plain-types.needless-int", "RUF057", "x = round(1)\n", ""),
    Case(
        "plain-types.counted-bits",
        "FURB161",
        'x = bin(len(a)).count("1")\n',
        'x = bin(a).count("1")\n',
    ),
    Case(
        "plain-types.none-type",
        "FURB169",
        "x = type(a) is type(None)\n",
        "x = type(a) == type(None)\n",
    ),
    Case("plain-types.none-type", "FURB168", "", "x = isinstance(a, type(None))\n"),
    Case(
        "plain-types.hex-digest",
        "FURB181",
        "import hashlib\nx = hashlib.sha256(a).digest().hex()\n",
        "from m import *\nimport hashlib\nx = hashlib.sha256(a).digest().hex()\n",
    ),
    Case(
        "plain-types.type-of-literal", "UP003", 'x = type("")\n', "str = f\nx = type(0)\nint = g\n"
    ),
    Case(
        "plain-types.constant-condition",
        "SIM222",
        "def f(a):\n    b = len(a)\n    if b or True: ...\n",
        "def f(b):\n    if b or True: ...\n",
    ),
    Case(
        "plain-types.constant-condition",
        "SIM223",
        "def f(a):\n    b = len(a)\n    if b and False: ...\n",
        "def f(b):\n    if b and False: ...\n",
    ),
    Case(
        "plain-types.constant-condition",
        "SIM220",
        "def f(a):\n    b = a is None\n    return b and not b\n",
        "def f(b):\n    return b and not b\n",
    ),
    Case(
        "plain-types.constant-condition",
        "SIM221",
        "def f(a):\n    b = a is None\n    return b or not b\n",
        "def f(b):\n    return b or not b\n",
    ),
    Case(
        "plain-types.constant-values",
        "C420",
        "x = {a: None for a in b()}\n",
        "x = {a: c for a in b}\n",
    ),
    Case("reflection.unused-import", "F401", "import os\n", "from export.formats import plain\n"),
    Case(
        "reflection.builtin-import",
        "UP010",
        "from __future__ import division\n",
        "from __future__ import division\nlocals()\n",
    ),
    Case(
        "reflection.builtin-import",
        "UP029",
        "from builtins import str\n",
        "from builtins import str\nlocals()\n",
    ),
    Case(
        "reflection.submodule-import",
        "PLR0402",
        "import os.path as path\n",
        "import m.path as path\n",
    ),
    Case(
        "reflection.renamed-local",
        "B007",
        "def f(a):\n    for b in a: ...\n",
        "def f(a):\n    for b in a: ...\n    locals()\n",
    ),
    Case(
        "reflection.renamed-local",
        "RUF059",
        "def f(a):\n    b, c = a\n    return b\n",
        "def f(a):\n    b, c = a\n    return b, eval(a)\n",
    ),
    Case(
        "reflection.local-function",
        "E731",
        "def f(a):\n    g = lambda x: x\n    return g(a)\n",
        "def f(a):\n    g = lambda x: x\n    return g\n",
    ),
    Case("reflection.needless-alias", "PLC0414", "import os as os\n", "import taken as taken\n"),
]
