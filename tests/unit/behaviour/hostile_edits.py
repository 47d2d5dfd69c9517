"""Edits that change what a program does, each under a condition that is about such edits.

They are what an attacker or a careless engine may submit; a condition must hold for none of them.
"""

# ruff: noqa: E501  (an edit is a line)

from typing import NamedTuple


class Hostile(NamedTuple):
    """A condition, or several with spaces between them, and an edit that it must not let pass."""

    conditions: str
    before: str
    after: str
    oldest_python: tuple[int, int] | None = (3, 10)


F = "def f(a, b, c):\n    "
SUB = "import subprocess\nsubprocess."
LRU = "import functools\n"

OPEN = [
    ("f = open(p, 'r')\n", "f = open(p, m)\n"),
    ("f = open(p, 'r')\n", "f = open(p, mode=m)\n"),
    ("f = open(p, 'r')\n", "f = open(p, 1)\n"),
    ("f = open(p, 'rU')\n", "f = open(p)\n"),
    ("f = open(p, 'U')\n", "f = open(p)\n"),
    ("f = open(p, 't')\n", "f = open(p)\n"),
    ("f = open(p, '')\n", "f = open(p)\n"),
    ("f = open(p, 'rr')\n", "f = open(p)\n"),
    ("f = open(p, 'rtb')\n", "f = open(p, 'rb')\n"),
    ("f = open(p, 'rw')\n", "f = open(p, 'wr')\n"),
    ("f = open(p, 'w')\n", "f = open(p)\n"),
    ("f = open(p, 'r', 1)\n", "f = open(p, 1)\n"),
    ("f = open(*p, 'r')\n", "f = open(*p)\n"),
    ("f = open(p, 'r', **k)\n", "f = open(p, **k)\n"),
    ("f = open(p, 'r')\n", "f = open(p, mode='r', **k)\n"),
    ("f = open(p, 'rt')\n", "f = open(p, 'r', mode='r')\n"),
    ("f = open(p, 'r', encoding=g(), errors=h())\n", "f = open(p, errors=h(), encoding=g())\n"),
    ("for x in range(0.0, n): ...\n", "for x in range(n): ...\n"),
    ("for x in range(0, *n): ...\n", "for x in range(*n): ...\n"),
    ("for x in range(0, n): ...\n", "for x in range(n, **k): ...\n"),
    ("for x in range(1, n): ...\n", "for x in range(n): ...\n"),
    ("def range[T](): ...\nfor x in g(0, n): ...\n", "def range[T](): ...\nfor x in g(n): ...\n"),
]
CALLS = [
    ("calls.alias", "import m\nfrom m import x\ng(m.x)\n", "import m\nfrom m import x\ng(x)\n"),
    (
        "calls.alias",
        "import sys\nfrom sys import stdout\nsys.stdout.write(x)\n",
        "import sys\nfrom sys import stdout\nstdout.write(x)\n",
    ),
    ("calls.alias", "import re\nre.I = 5\n", "import re\nre.IGNORECASE = 5\n"),
    ("calls.alias", "import socket\ndel socket.error\n", "import socket\ndel OSError\n"),
    ("calls.alias", "import socket\nsocket.error = X\n", "import socket\nOSError = X\n"),
    ("calls.alias", "raise IOError\nimport socket\n", "raise socket.error\nimport socket\n"),
    ("calls.alias", "def f(x: IOError): ...\n", "def f(x: OSError): ...\n"),
    (
        "calls.alias",
        "from __future__ import annotations\nx: IOError = 1\n",
        "from __future__ import annotations\nx: OSError = 1\n",
    ),
    (
        "calls.alias reflection.renamed-local",
        "def f(a):\n    for b in a: ...\n    raise IOError\n",
        "def f(a):\n    for OSError in a: ...\n    raise OSError\n",
    ),
    (
        "calls.alias",
        "globals()['OSError'] = X\nraise IOError\n",
        "globals()['OSError'] = X\nraise OSError\n",
    ),
    ("calls.alias", "exec('OSError = X')\nraise IOError\n", "exec('OSError = X')\nraise OSError\n"),
    (
        "calls.alias",
        "match a:\n    case OSError: ...\nraise IOError\n",
        "match a:\n    case OSError: ...\nraise OSError\n",
    ),
    (
        "calls.alias",
        "try: ...\nexcept E as OSError: ...\nraise IOError\n",
        "try: ...\nexcept E as OSError: ...\nraise OSError\n",
    ),
    (
        "calls.alias",
        "x = [y for OSError in z]\nraise IOError\n",
        "x = [y for OSError in z]\nraise OSError\n",
    ),
    ("calls.alias", "(OSError := 1)\nraise IOError\n", "(OSError := 1)\nraise OSError\n"),
    (
        "calls.alias",
        "def f():\n    global OSError\nraise IOError\n",
        "def f():\n    global OSError\nraise OSError\n",
    ),
    (
        "calls.alias",
        "import socket\ndel socket\nraise socket.error\n",
        "import socket\ndel socket\nraise OSError\n",
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache(maxsize=None)\ndef f(): ...\n",
        LRU + "@cache\ndef f(): ...\n",
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache(maxsize=None)\ndef f(): ...\n",
        LRU + "@cache\ndef f(): ...\nfrom functools import cache\n",
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache(maxsize=None)\ndef f(): ...\n",
        "from other import cache\n" + LRU + "@cache\ndef f(): ...\n",
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache()\ndef f(): ...\n",
        LRU + "@functools.lru_cache\ndef f(): ...\n",
        (3, 7),
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache(maxsize=None)\ndef f(): ...\n",
        LRU + "@functools.cache\ndef f(): ...\n",
        (3, 8),
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache(maxsize=None)\ndef f(): ...\n",
        LRU + "@functools.cache\ndef f(): ...\n",
        None,
    ),
    (
        "calls.cache-decorator",
        LRU + "x = functools.lru_cache()(5)\n",
        LRU + "x = functools.lru_cache(5)\n",
    ),
    (
        "calls.cache-decorator",
        LRU + "x = functools.lru_cache()\n",
        LRU + "x = functools.lru_cache\n",
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache()\n@g\ndef f(): ...\n",
        LRU + "@functools.lru_cache\n@g\ndef f(): ...\n",
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache(maxsize=None, typed=True)\ndef f(): ...\n",
        LRU + "@functools.cache\ndef f(): ...\n",
    ),
    (
        "calls.cache-decorator",
        LRU + "@functools.lru_cache(maxsize=5)\ndef f(): ...\n",
        LRU + "@functools.cache\ndef f(): ...\n",
    ),
    (
        "calls.subprocess-argument",
        SUB + "run(a, env=f(), cwd=g())\n",
        SUB + "run(a, cwd=g(), env=f())\n",
    ),
    (
        "calls.subprocess-argument",
        SUB + "run(a, text=True, universal_newlines=False)\n",
        SUB + "run(a, text=False)\n",
    ),
    (
        "calls.subprocess-argument",
        SUB + "run(a, text=True)\n",
        SUB + "run(a, text=True, universal_newlines=True)\n",
    ),
    (
        "calls.subprocess-argument",
        SUB + "Popen(a, stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n",
        SUB + "Popen(a, capture_output=True)\n",
    ),
    (
        "calls.subprocess-argument",
        SUB + "run(a, stdout=subprocess.PIPE, stderr=subprocess.PIPE, capture_output=True)\n",
        SUB + "run(a, capture_output=True)\n",
    ),
    (
        "calls.subprocess-argument",
        SUB + "run(a, universal_newlines=True, **k)\n",
        SUB + "run(a, text=True, **k)\n",
    ),
    ("calls.object-base", "class A(object): ...\n", "@g\nclass A: ...\n"),
    ("calls.object-base", "object = B\nclass A(object): ...\n", "object = B\nclass A: ...\n"),
    (
        "calls.zero-argument-super",
        "class A:\n    def m(self):\n        return [super(A, self).m() for x in y]\n",
        "class A:\n    def m(self):\n        return [super().m() for x in y]\n",
    ),
    (
        "calls.zero-argument-super",
        "class A:\n    def m(self):\n        return lambda: super(A, self).m()\n",
        "class A:\n    def m(self):\n        return lambda: super().m()\n",
    ),
    (
        "calls.zero-argument-super",
        "class A:\n    def m(self):\n        try: ...\n        except E as self: super(A, self).m()\n",
        "class A:\n    def m(self):\n        try: ...\n        except E as self: super().m()\n",
    ),
    (
        "calls.zero-argument-super",
        "class A:\n    def m(self):\n        import x as self\n        super(A, self).m()\n",
        "class A:\n    def m(self):\n        import x as self\n        super().m()\n",
    ),
    (
        "calls.zero-argument-super",
        "class A:\n    def m(self):\n        match x:\n            case self: super(A, self).m()\n",
        "class A:\n    def m(self):\n        match x:\n            case self: super().m()\n",
    ),
    (
        "calls.zero-argument-super",
        "class A:\n    def m(self):\n        __class__ = B\n        super(A, self).m()\n",
        "class A:\n    def m(self):\n        __class__ = B\n        super().m()\n",
    ),
    (
        "calls.zero-argument-super",
        "class __A:\n    def m(self):\n        super(__A, self).m()\n",
        "class __A:\n    def m(self):\n        super().m()\n",
    ),
    (
        "calls.zero-argument-super",
        "class A:\n    def m(self):\n        super(A, self).m()\nglobals()['A'] = B\n",
        "class A:\n    def m(self):\n        super().m()\nglobals()['A'] = B\n",
    ),
    (
        "calls.zero-argument-super",
        "class A:\n    def m(self, x=super(A, self)): ...\n",
        "class A:\n    def m(self, x=super()): ...\n",
    ),
    (
        "calls.zero-argument-super",
        "class A(B):\n    def m(self): super(B, self).m()\n",
        "class A(B):\n    def m(self): super().m()\n",
    ),
    (
        "calls.raised-class",
        "class E:\n    def __new__(cls): return ValueError()\nraise E()\n",
        "class E:\n    def __new__(cls): return ValueError()\nraise E\n",
    ),
    (
        "calls.raised-class",
        "class E(Exception):\n    def __new__(cls): return ValueError()\nraise E()\n",
        "class E(Exception):\n    def __new__(cls): return ValueError()\nraise E\n",
    ),
    (
        "calls.raised-class",
        "class E(Exception, metaclass=M): ...\nraise E()\n",
        "class E(Exception, metaclass=M): ...\nraise E\n",
    ),
    ("calls.raised-class", "class E: ...\nraise E()\n", "class E: ...\nraise E\n"),
    (
        "calls.raised-class",
        "def f(ValueError):\n    raise ValueError()\n",
        "def f(ValueError):\n    raise ValueError\n",
    ),
]
DEFAULTS = [
    (
        "def f(a=[]):\n    if a: g()\n",
        "def f(a=None):\n    if a is None:\n        a = []\n    if a: h()\n",
    ),
    (
        "def f(a=[]):\n    if a: g()\n",
        "@evil\ndef f(a=None):\n    if a is None:\n        a = []\n    if a: g()\n",
    ),
    (
        "def f(a=[]):\n    if a: g()\n",
        "def f(a=None, *b):\n    if a is None:\n        a = []\n    if a: g()\n",
    ),
    (
        "def f(a=[], *, b=1):\n    if a: g()\n",
        "def f(b=1, a=None):\n    if a is None:\n        a = []\n    if a: g()\n",
    ),
    (
        "def f(a=[]):\n    if a: g()\n",
        "def f(a=None) -> h():\n    if a is None:\n        a = []\n    if a: g()\n",
    ),
    (
        "def f(a=[]):\n    'x'\n    if a: g()\n",
        "def f(a=None):\n    if a is None:\n        a = []\n    'x'\n    if a: g()\n",
    ),
    (
        "def f(a=[]):\n    while a: yield\n",
        "def f(a=None):\n    if a is None:\n        a = g()\n    while a: yield\n",
    ),
    (
        "def f(a=[]):\n    if a: return locals()\n",
        "def f(a=None):\n    if a is None:\n        a = []\n    if a: return locals()\n",
    ),
]
DICTS = [
    (
        "dict-types.dict-lookup",
        F + "d = {}\n    return d.get(*a, None)\n",
        F + "d = {}\n    return d.get(*a)\n",
    ),
    (
        "dict-types.dict-lookup",
        F + "d = {}\n    x = zip(d.keys(), d.values())\n    return next(x)\n",
        F + "d = {}\n    x = d.items()\n    return next(x)\n",
    ),
    (
        "dict-types.dict-lookup",
        "from m import zip\n" + F + "d = {}\n    for x in zip(d.keys(), d.values()): ...\n",
        "from m import zip\n" + F + "d = {}\n    for x in d.items(): ...\n",
    ),
    (
        "dict-types.dict-lookup",
        F + "d = {}\n    for x in zip(d.keys(), d.values(), strict=g()): ...\n",
        F + "d = {}\n    for x in d.items(): ...\n",
    ),
    ("dict-types.dict-lookup", F + "d = {}\n    return d.keys()\n", F + "d = {}\n    return d\n"),
    (
        "dict-types.dict-lookup",
        F + "d = {}\n    return d.keys() in a\n",
        F + "d = {}\n    return d in a\n",
    ),
    (
        "dict-types.dict-lookup",
        F + "d = {}\n    return a in b in d.keys()\n",
        F + "d = {}\n    return a in b in a\n",
    ),
    (
        "dict-types.dict-lookup",
        F + "d = {}\n    def g(d):\n        return a in d.keys()\n",
        F + "d = {}\n    def g(d):\n        return a in d\n",
    ),
    (
        "dict-types.dict-lookup",
        "d = x\ndef f(a=1 in d.keys()):\n    d = {}\n",
        "d = x\ndef f(a=1 in d):\n    d = {}\n",
    ),
    (
        "dict-types.dict-lookup",
        "d = x\n@g(1 in d.keys())\ndef f():\n    d = {}\n",
        "d = x\n@g(1 in d)\ndef f():\n    d = {}\n",
    ),
    (
        "dict-types.checked-removal",
        F + "d = {}\n    if a in d:\n        del d[b]\n",
        F + "d = {}\n    d.pop(b, None)\n",
    ),
    (
        "dict-types.checked-removal",
        F + "d = {}\n    if a not in d:\n        del d[a]\n",
        F + "d = {}\n    d.pop(a, None)\n",
    ),
    (
        "dict-types.lookup-with-default",
        F + "d = {}\n    if b: x = 1\n    return d[a] if a in d else x\n",
        F + "d = {}\n    if b: x = 1\n    return d.get(a, x)\n",
    ),
    (
        "dict-types.lookup-with-default",
        F + "d = {}\n    del c\n    return d[a] if a in d else c\n",
        F + "d = {}\n    del c\n    return d.get(a, c)\n",
    ),
    (
        "dict-types.lookup-with-default",
        F + "d = {}\n    return d[a] if a in d else undefined\n",
        F + "d = {}\n    return d.get(a, undefined)\n",
    ),
    (
        "dict-types.lookup-with-default",
        F + "d = {}\n    return a in d and d[a]\n",
        F + "d = {}\n    return d.get(a)\n",
    ),
    (
        "dict-types.lookup-with-default",
        F + "d = {}\n    return d[a] if a not in d else c\n",
        F + "d = {}\n    return d.get(a, c)\n",
    ),
    (
        "dict-types.unused-half-of-items",
        F + "values = {}\n    for k, v in values.items(): g(v)\n",
        F + "values = {}\n    for v in values.keys(): g(v)\n",
    ),
    (
        "dict-types.unused-half-of-items",
        F + "d = {}\n    global k\n    for k, v in d.items(): g(v)\n",
        F + "d = {}\n    global k\n    for v in d.values(): g(v)\n",
    ),
    (
        "dict-types.unused-half-of-items",
        F + "d = {}\n    for k, v in d.items(): g(v, locals())\n",
        F + "d = {}\n    for v in d.values(): g(v, locals())\n",
    ),
    (
        "dict-types.unused-half-of-items",
        "async " + F + "d = {}\n    return [v for k, v in d.items()]\n",
        "async " + F + "d = {}\n    return [v async for v in d.values()]\n",
    ),
    (
        "dict-types.unused-half-of-items",
        F + "d = {}\n    for k, v in d.items(): g(v)\n",
        F + "d = {}\n    for v in d.keys(): g(v)\n",
    ),
    (
        "dict-types.unused-half-of-items",
        F + "d = {}\n    for k, v in d.items(): g(v)\n    else: h()\n",
        F + "d = {}\n    for v in d.values(): g(v)\n",
    ),
]
DUPLICATES = [
    (
        "duplicates.repeated-field",
        "class A:\n    x = 1\n    y = 2\n    x = 1\n",
        "class A:\n    y = 2\n",
    ),
    (
        "duplicates.repeated-field",
        "class A:\n    x = 1\n    y = x\n    x = 1\n",
        "class A:\n    y = x\n    x = 1\n",
    ),
    (
        "duplicates.repeated-field",
        "class A:\n    x = 1\n    y = 2\n    x = 1\n",
        "class A:\n    y = 2\n    x = 1\n",
    ),
    (
        "duplicates.repeated-field",
        "class A:\n    x = 1\n    def x(self): ...\n    x = 1\n",
        "class A:\n    x = 1\n    def x(self): ...\n",
    ),
    (
        "duplicates.repeated-field",
        "class A:\n    x = 1\n    import x\n    x = 1\n",
        "class A:\n    x = 1\n    import x\n",
    ),
    (
        "duplicates.repeated-field",
        "class A:\n    x = 1\n    locals()['x'] = 2\n    x = 1\n",
        "class A:\n    x = 1\n    locals()['x'] = 2\n",
    ),
    (
        "duplicates.repeated-field",
        "class A:\n    x = 1\n    y = g()\n    x = 1\n",
        "class A:\n    x = 1\n    y = g()\n",
    ),
    (
        "duplicates.repeated-field",
        "class A:\n    x, y = 'ab'\n    x = 'ab'\n",
        "class A:\n    x, y = 'ab'\n",
    ),
    (
        "duplicates.repeated-field",
        "class A(Enum):\n    x = 1\n    y = 2\n    x = 1\n",
        "class A(Enum):\n    x = 1\n    y = 2\n",
    ),
    (
        "duplicates.repeated-field",
        "class A(metaclass=M):\n    x = 1\n    y = 2\n    x = 1\n",
        "class A(metaclass=M):\n    x = 1\n    y = 2\n",
    ),
    (
        "duplicates.repeated-field",
        "class A:\n    x = 1\n    y = 2\n    x = True\n",
        "class A:\n    x = 1\n    y = 2\n",
    ),
    (
        "duplicates.repeated-import",
        "import os\nimport sys as os\nimport os\nos\n",
        "import os\nimport sys as os\nos\n",
    ),
    ("duplicates.repeated-import", "import os\nimport os, m.effect\nos\n", "import os\nos\n"),
    (
        "duplicates.repeated-import",
        "import os, sys as os\nimport os\nos\n",
        "import os, sys as os\nos\n",
    ),
    (
        "duplicates.repeated-import",
        "import os\nimport sys as os, os\nos\n",
        "import os\nimport sys as os\nos\n",
    ),
    (
        "duplicates.repeated-import",
        "import os\nx = os, = 1,\nimport os\nos\n",
        "import os\nx = os, = 1,\nos\n",
    ),
    (
        "duplicates.repeated-import",
        "from os import path\nimport os\nx = os.path = None\nfrom os import path\n",
        "from os import path\nimport os\nx = os.path = None\n",
    ),
    (
        "duplicates.repeated-import",
        "import os\ndef f(*, a=g()): ...\nimport os\nos\n",
        "import os\ndef f(*, a=g()): ...\nos\n",
    ),
    (
        "duplicates.repeated-import",
        "import os\ndef f(a: (os := 1)): ...\nimport os\nos\n",
        "import os\ndef f(a: (os := 1)): ...\nos\n",
    ),
    ("duplicates.repeated-import", "import os\nimport sys\nimport os\nos\n", "import sys\nos\n"),
    (
        "duplicates.repeated-import",
        "import os\nimport sys, m\nimport os, sys\nos\n",
        "import os\nimport sys, m\nimport sys, os\nos\n",
    ),
    ("duplicates.repeated-item", "x = {1, f(), 1}\n", "x = {f(), 1}\n"),
    ("duplicates.repeated-item", "x = {1, True}\n", "x = {True}\n"),
    ("duplicates.repeated-item", "x = {*a, *a}\n", "x = {*a}\n"),
]
EXCEPTIONS = [
    ("exceptions.first-item", "x = list([1, a])[1]\n", "x = next(iter([1, a]))\n"),
    ("exceptions.first-item", "x = list([1, a])[-1]\n", "x = next(iter([1, a]))\n"),
    ("exceptions.first-item", "x = list([1, a])[:1]\n", "x = next(iter([1, a]))\n"),
    ("exceptions.first-item", "x = set([b, a])[0]\n", "x = next(iter([b, a]))\n"),
    ("exceptions.first-item", "x = sorted([b, a])[0]\n", "x = next(iter([b, a]))\n"),
    (
        "exceptions.first-item",
        "next = g\nx = list([b, a])[0]\n",
        "next = g\nx = next(iter([b, a]))\n",
    ),
    (
        "exceptions.first-item",
        "from m import iter\nx = list([b, a])[0]\n",
        "from m import iter\nx = next(iter([b, a]))\n",
    ),
    ("exceptions.first-item", "x = list([*a])[0]\n", "x = next(iter([*a]))\n"),
    (
        "exceptions.caught-exceptions",
        "from m import A\ntry: ...\nexcept (A,): ...\n",
        "from m import A\ntry: ...\nexcept A: ...\n",
    ),
    (
        "exceptions.caught-exceptions",
        "def f(builtins):\n    try: ...\n    except (builtins.ValueError, Exception): ...\n",
        "def f(builtins):\n    try: ...\n    except Exception: ...\n",
    ),
    (
        "exceptions.caught-exceptions",
        "try: ...\nexcept (OSError, ValueError): ...\n",
        "try: ...\nexcept OSError: ...\n",
    ),
    (
        "exceptions.caught-exceptions",
        "import socket\ntry: ...\nexcept (socket.timeout, TimeoutError): ...\n",
        "import socket\ntry: ...\nexcept TimeoutError: ...\n",
        (3, 9),
    ),
    (
        "exceptions.caught-exceptions",
        "try: ...\nexcept (Exception, ExceptionGroup): ...\n",
        "try: ...\nexcept Exception: ...\n",
        (3, 8),
    ),
    (
        "exceptions.caught-exceptions reflection.renamed-local",
        "def f(a):\n    for b in a: ...\n    try: ...\n    except (IOError, OSError): ...\n",
        "def f(a):\n    for OSError in a: ...\n    try: ...\n    except OSError: ...\n",
    ),
    (
        "exceptions.comprehension",
        "async def f(y):\n    return list(x async for x in y)\n",
        "async def f(y):\n    return [x async for x in y]\n",
    ),
    (
        "exceptions.comprehension",
        "x = list(y for y in z if next(y))\n",
        "x = [y for y in z if next(y)]\n",
    ),
    (
        "exceptions.comprehension",
        "x = list(y for a in b for y in next(a))\n",
        "x = [y for a in b for y in next(a)]\n",
    ),
    (
        "exceptions.comprehension",
        "x = list(y for y in z if (w := y))\n",
        "x = [y for y in z if (w := y)]\n",
    ),
    ("exceptions.comprehension", "x = list(y for y in z)\n", "x = [y for y in z for w in y]\n"),
    ("exceptions.comprehension", "x = dict((k, v) for k, v in z)\n", "x = {v: k for k, v in z}\n"),
    (
        "exceptions.loop-as-any",
        "def f(a):\n    for b in a:\n        if b: return 1\n    return 0\n",
        "def f(a):\n    return any(b for b in a)\n",
    ),
    (
        "exceptions.loop-as-any",
        "def f(a):\n    global b\n    for b in a:\n        if b: return True\n    return False\n",
        "def f(a):\n    global b\n    return any(b for b in a)\n",
    ),
    (
        "exceptions.loop-as-any",
        "def f(a):\n    try:\n        for b in a:\n            if b: return True\n        return False\n    finally: print(b)\n",
        "def f(a):\n    try:\n        return any(b for b in a)\n    finally: print(b)\n",
    ),
    (
        "exceptions.loop-as-any",
        "def f(a):\n    print(b)\n    for b in a:\n        if b: return True\n    return False\n",
        "def f(a):\n    print(b)\n    return any(b for b in a)\n",
    ),
    (
        "exceptions.loop-as-any",
        "def f(a):\n    for b in a:\n        if b: return True\n    return False\n",
        "def f(a):\n    return all(b for b in a)\n",
    ),
    (
        "exceptions.loop-as-any",
        "def f(a, any):\n    for b in a:\n        if b: return True\n    return False\n",
        "def f(a, any):\n    return any(b for b in a)\n",
    ),
    (
        "exceptions.loop-as-any",
        "def f(a):\n    try:\n        for b in a:\n            if b: return True\n        return False\n    finally: print(locals())\n",
        "def f(a):\n    try:\n        return any(b for b in a)\n    finally: print(locals())\n",
    ),
]
FORMATTING = [
    ("formatting.numbered-fields", "x = '{0} {1}'.format(a, b)\n", "x = '{} {1}'.format(a, b)\n"),
    ("formatting.numbered-fields", "x = '{} {1}'.format(a, b)\n", "x = '{} {}'.format(a, b)\n"),
    ("formatting.numbered-fields", "x = '{0-a}'.format(**d)\n", "x = '{-a}'.format(**d)\n"),
    ("formatting.numbered-fields", "x = '{0} {1}'.format(a, b)\n", "x = '{} {}'.format(b, a)\n"),
    ("formatting.numbered-fields", "x = '{0} {0}'.format(a, b)\n", "x = '{} {}'.format(a, b)\n"),
    ("formatting.numbered-fields", "x = '{0!r}'.format(a)\n", "x = '{!s}'.format(a)\n"),
    ("formatting.conversion-flag", "x = f'{str(a)}'\n", "x = f'{a!r}'\n"),
    ("formatting.conversion-flag", "x = f'{str(a)!r}'\n", "x = f'{a!s}'\n"),
    ("formatting.conversion-flag", "x = f'{str(a):>3}'\n", "x = f'{a!s:>4}'\n"),
    ("formatting.conversion-flag", "x = f'{str(*a)}'\n", "x = f'{a!s}'\n"),
    ("formatting.conversion-flag", "x = f'{str(a)=}'\n", "x = f'{a!s}'\n"),
    (
        "formatting.formatted-in-order",
        "class A:\n    x = '{0.__b}'.format(c)\n",
        "class A:\n    x = f'{c.__b}'\n",
    ),
    ("formatting.formatted-in-order", "x = '{} {1}'.format(a, b)\n", "x = f'{a} {b}'\n"),
    ("formatting.formatted-in-order", "x = '{}'.format(a, b.c)\n", "x = f'{a}'\n"),
    ("formatting.formatted-in-order", "x = '{0} {0}'.format(a.b)\n", "x = f'{a.b} {a.b}'\n"),
    ("formatting.formatted-in-order", "x = '{}'.format()\n", "x = f''\n"),
    ("formatting.formatted-in-order", "x = 'a'.format(f())\n", "x = f'a'\n"),
    ("formatting.formatted-in-order", "x = '{} {}'.format(a, b)\n", "x = f'{b} {a}'\n"),
    ("formatting.formatted-in-order", "x = '{:>3}'.format(a)\n", "x = f'{a:>4}'\n"),
    ("formatting.formatted-in-order", "x = '{0[-1]}'.format(a)\n", "x = f'{a[-1]}'\n"),
    ("formatting.formatted-in-order", "x = '{0[a]}'.format(a)\n", "x = f'{a[a]}'\n"),
    ("formatting.formatted-in-order", "x = '{1} {0}'.format(f(), b)\n", "x = f'{b} {f()}'\n"),
]
LAZINESS = [
    (
        "laziness.short-circuit",
        "def f():\n    a = [1]\n    return all([x for x in a])\n",
        "def f():\n    a = [1]\n    return all(x for x in a for y in b)\n",
    ),
    (
        "laziness.short-circuit",
        "def f():\n    return all([x for x in (0, 1) for y in list(g())])\n",
        "def f():\n    return all(x for x in (0, 1) for y in list(g()))\n",
    ),
    (
        "laziness.short-circuit",
        "def f():\n    return all([x for x, y in ((0, 1), 2)])\n",
        "def f():\n    return all(x for x, y in ((0, 1), 2))\n",
    ),
    (
        "laziness.short-circuit",
        "def f(o):\n    return all([o is None for o.x in (0, 1)])\n",
        "def f(o):\n    return all(o is None for o.x in (0, 1))\n",
    ),
    (
        "laziness.short-circuit",
        "def f():\n    a = [1]\n    return sum([x for x in a])\n",
        "def f():\n    a = [1]\n    return sum(x for x in a)\n",
    ),
    (
        "laziness.short-circuit",
        "async def f():\n    a = [1]\n    return all([x async for x in a])\n",
        "async def f():\n    a = [1]\n    return all(x async for x in a)\n",
    ),
    (
        "laziness.short-circuit",
        "def f():\n    a = [1]\n    return all([-x for x in ('a', 0)])\n",
        "def f():\n    a = [1]\n    return all(-x for x in ('a', 0))\n",
    ),
    (
        "laziness.dropped-arguments",
        "x = '%(a)s %(b)s' % {'a': 1, 'b': c}\n",
        "x = '%(a)s %(b)s' % {'a': 1}\n",
    ),
    ("laziness.dropped-arguments", "x = '%s' % {'a': 1, 'b': c}\n", "x = '%s' % {'a': 1}\n"),
    (
        "laziness.dropped-arguments",
        "x = '%(a)s%' % {'a': 1, 'b': c}\n",
        "x = '%(a)s%' % {'a': 1}\n",
    ),
    ("laziness.dropped-arguments", "x = '%(a)s' % {'a': 1, f(): c}\n", "x = '%(a)s' % {'a': 1}\n"),
    (
        "laziness.dropped-arguments",
        "x = '%(a)s%(b)s' % {'a': f(), 'b': g(), 'c': 1}\n",
        "x = '%(a)s%(b)s' % {'b': g(), 'a': f()}\n",
    ),
    ("laziness.dropped-arguments", "x = '%(a)s' % {'a': 1, 'a': 2}\n", "x = '%(a)s' % {'a': 1}\n"),
    ("laziness.dropped-arguments", "x = '%(a)s' % {'a': 1, **b}\n", "x = '%(a)s' % {'a': 1}\n"),
    ("laziness.dropped-arguments", "x = '{a}{b}'.format(a=1, b=c)\n", "x = '{a}{b}'.format(a=1)\n"),
    (
        "laziness.dropped-arguments",
        "x = '{a:{b}}'.format(a=1, b=c)\n",
        "x = '{a:{b}}'.format(a=1)\n",
    ),
    ("laziness.dropped-arguments", "x = '{a}'.format(**d, b=c)\n", "x = '{a}'.format(**d)\n"),
    ("laziness.dropped-arguments", "x = '{} {}'.format(a, b)\n", "x = '{} {}'.format(a)\n"),
    ("laziness.dropped-arguments", "x = '{0} {1.c}'.format(a, b)\n", "x = '{0} {1.c}'.format(a)\n"),
    ("laziness.dropped-arguments", "x = '{0} {1}'.format(*a, b)\n", "x = '{0} {1}'.format(*a)\n"),
    ("laziness.dropped-arguments", "x = '{'.format(a)\n", "x = '{'.format()\n"),
    ("laziness.repeated-operand", "x = a if b else a\n", "x = a or b\n"),
    ("laziness.repeated-operand", "x = a if a else b\n", "x = b or a\n"),
    ("laziness.repeated-operand", "x = a() if a() else b\n", "x = a() or b\n"),
    (
        "laziness.merged-isinstance",
        "x = isinstance(a, int) or isinstance(a, undefined)\n",
        "x = isinstance(a, (int, undefined))\n",
    ),
    (
        "laziness.merged-isinstance",
        "import m\nx = isinstance(a, int) or isinstance(a, (m.B, m.C))\n",
        "import m\nx = isinstance(a, (int, m.B, m.C))\n",
    ),
    (
        "laziness.merged-isinstance",
        "def f(a):\n    if b: import x as T\n    return isinstance(a, int) or isinstance(a, T)\n",
        "def f(a):\n    if b: import x as T\n    return isinstance(a, (int, T))\n",
    ),
    (
        "laziness.merged-isinstance",
        "x = isinstance(a, int) or isinstance(b, str)\n",
        "x = isinstance(a, (int, str))\n",
    ),
    (
        "laziness.merged-isinstance",
        "from m import issubclass\nx = isinstance(a, int) or isinstance(a, str) or issubclass(b, int) or issubclass(b, str)\n",
        "from m import issubclass\nx = isinstance(a, (int, str)) or issubclass(b, (int, str))\n",
    ),
    (
        "laziness.merged-isinstance",
        "x = isinstance(g(), int) or isinstance(g(), str)\n",
        "x = isinstance(g(), (int, str))\n",
    ),
]
LIFETIME = [
    (
        "lifetime.unused-name",
        "def f():\n    x = 'text'\n    return 1\n",
        "def f():\n    'text'\n    return 1\n",
    ),
    ("lifetime.unused-name", "def f():\n    x = 1\n    'text'\n", "def f():\n    'text'\n"),
    ("lifetime.unused-name", "def f():\n    x = a\n    x = 1\n", "def f():\n    x = a\n"),
    (
        "lifetime.unused-name",
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n",
        "def f():\n    def g():\n        nonlocal x\n        x = 2\n",
    ),
    ("lifetime.unused-name", "def f():\n    global x\n    x = 1\n", "def f():\n    global x\n"),
    ("lifetime.unused-name", "def f():\n    x = len(g())\n", "def f():\n    pass\n"),
    ("lifetime.unused-name", "def f():\n    x = y = 1\n", "def f():\n    pass\n"),
    ("lifetime.unused-name", "def f():\n    x = 1\n    del x\n", "def f():\n    del x\n"),
    (
        "lifetime.unused-name",
        "def f():\n    x = 1\n    from builtins import locals as g\n    g()\n",
        "def f():\n    from builtins import locals as g\n    g()\n",
    ),
    (
        "lifetime.unused-name",
        "def f():\n    class A:\n        x = 1\n",
        "def f():\n    class A:\n        pass\n",
    ),
    (
        "lifetime.unused-exception",
        "def f():\n    try: g()\n    except E as e: h()\n    return e\n",
        "def f():\n    try: g()\n    except E: h()\n    return e\n",
    ),
    (
        "lifetime.unused-exception",
        "def f(e):\n    try: g()\n    except E as e: h()\n",
        "def f(e):\n    try: g()\n    except E: h()\n",
    ),
    (
        "lifetime.unused-exception",
        "def f():\n    try: g()\n    except E as e: h()\n",
        "def f():\n    try: g()\n    except F: h()\n",
    ),
    (
        "lifetime.unused-context",
        "def f(p, open):\n    with open(p) as g: h()\n",
        "def f(p, open):\n    with open(p): h()\n",
    ),
    (
        "lifetime.unused-context",
        "def f(p):\n    with open(p) as g: h()\n",
        "def f(p):\n    with open(q): h()\n",
    ),
    (
        "lifetime.unused-context",
        "def f(p):\n    global g\n    with open(p) as g: h()\n",
        "def f(p):\n    global g\n    with open(p): h()\n",
    ),
]
ORDERING = [
    ("ordering.copied-list", "x = sorted(list(a), key=f())\n", "x = sorted(a, key=f())\n"),
    ("ordering.copied-list", "x = sorted(list(*a))\n", "x = sorted(*a)\n"),
    ("ordering.copied-list", "x = list(reversed(a))\n", "x = reversed(a)\n"),
    ("ordering.copied-list", "x = tuple(sorted(a))\n", "x = sorted(a)\n"),
    ("ordering.copied-list", "x = sorted(sorted(a, key=k))\n", "x = sorted(a)\n"),
    ("ordering.copied-list", "x = list(sorted(a))\n", "x = sorted(b)\n"),
    ("ordering.extreme-of-plain-values", "x = min(min(a, b))\n", "x = min(a, b)\n"),
    ("ordering.extreme-of-plain-values", "x = min(min(a, b), f())\n", "x = min(a, b, f())\n"),
    (
        "ordering.extreme-of-plain-values",
        "x = min(min(a, min(b, c)), d)\n",
        "x = min(a, b, c, d)\n",
    ),
    ("ordering.extreme-of-plain-values", "x = min(max(a, b), c)\n", "x = min(a, b, c)\n"),
    (
        "ordering.extreme-of-plain-values",
        "x = min(len(f()), min(len(g()), 1))\n",
        "x = min(len(g()), 1, len(f()))\n",
    ),
    (
        "ordering.extreme-of-plain-values",
        "x = len(f()) if len(f()) > 1 else 1\n",
        "x = max(len(f()), 1)\n",
    ),
    (
        "ordering.extreme-of-plain-values",
        "def f(a):\n    c = len(a)\n    return c if c < 1 else 1\n",
        "def f(a):\n    c = len(a)\n    return max(c, 1)\n",
    ),
    (
        "ordering.extreme-of-plain-values",
        "def f(a):\n    c = len(a)\n    d = len(a)\n    if c < d:\n        c = d\n",
        "def f(a):\n    c = len(a)\n    d = len(a)\n    d = max(c, d)\n",
    ),
    (
        "ordering.extreme-of-plain-values",
        "def f(a):\n    c = len(a)\n    d = 1\n    def g(min):\n        return min(c, d)\n    return c if c < d else d\n",
        "def f(a):\n    c = len(a)\n    d = 1\n    def g(min):\n        return min(c, d)\n    return min(c, d)\n",
    ),
    ("ordering.single-item", "x = {1}\n", "x = (1,)\n"),
    ("ordering.single-item", "x = {a} | b\n", "x = (a,) | b\n"),
    ("ordering.single-item", "for x in {f()}: ...\n", "for x in (f(),): ...\n"),
    ("ordering.single-item", "for x in y or {1}: ...\n", "for x in y or (1,): ...\n"),
    ("ordering.single-item", "for x in {*a}: ...\n", "for x in (*a,): ...\n"),
    (
        "ordering.single-item",
        "async def f():\n    return [x for y in z for x in ({1} and 2)]\n",
        "async def f():\n    return [x for y in z for x in ((1,) and 2)]\n",
    ),
]
PLAIN = [
    (
        "plain-types.merged-prefixes",
        "def f(a):\n    b = str(a)\n    return b.startswith('x') or b.endswith('y')\n",
        "def f(a):\n    b = str(a)\n    return b.startswith(('x', 'y'))\n",
    ),
    (
        "plain-types.merged-prefixes",
        "def f(a):\n    b = str(a)\n    return b.startswith('x') or b.startswith('y')\n",
        "def f(a):\n    b = str(a)\n    return b.startswith(('x', 'z'))\n",
    ),
    (
        "plain-types.merged-comparisons",
        "def f(s):\n    x = float(s)\n    return x == x or x == 1.0\n",
        "def f(s):\n    x = float(s)\n    return x in (x, 1.0)\n",
    ),
    (
        "plain-types.merged-comparisons",
        "x = 1 == len(f()) or 1 == len(g())\n",
        "x = 1 in (len(f()), len(g()))\n",
    ),
    ("plain-types.merged-comparisons", "x = 1 == 2 or 1 == 3\n", "x = 1 not in (2, 3)\n"),
    ("plain-types.merged-comparisons", "x = 1 != 2 or 1 != 3\n", "x = 1 not in (2, 3)\n"),
    ("plain-types.merged-comparisons", "x = 1 == 2 or 1 == 3\n", "x = 1 in (2,)\n"),
    ("plain-types.merged-comparisons", "x = 1 in (*a,)\n", "x = 1 == a\n"),
    ("plain-types.merged-comparisons", "x = 'a' in ('abc',)\n", "x = 'a' in 'abc'\n"),
    ("plain-types.needless-int", "x = int(True)\n", "x = True\n"),
    (
        "plain-types.needless-int",
        "def f(a, int):\n    return int(len(a))\n",
        "def f(a, int):\n    return len(a)\n",
    ),
    (
        "plain-types.needless-int",
        "def f(a):\n    for len in a: return int(len(a))\n",
        "def f(a):\n    for len in a: return len(a)\n",
    ),
    (
        "plain-types.counted-bits",
        "x = bin(len(a)).count('1')\n",
        "x = len(a).bit_count()\n",
        (3, 9),
    ),
    ("plain-types.counted-bits", "x = bin(len(a)).count('1')\n", "x = len(a).bit_count()\n", None),
    ("plain-types.counted-bits", "x = bin(len(a)).count('1')\n", "x = len(a).bit_count(**b)\n"),
    ("plain-types.counted-bits", "x = bin(len(a)).count(b'1')\n", "x = len(a).bit_count()\n"),
    ("plain-types.counted-bits", "x = bin(len(a)).count('0')\n", "x = len(a).bit_count()\n"),
    ("plain-types.none-type", "x = type(a) == type(None)\n", "x = a == None\n"),
    ("plain-types.none-type", "x = type(a) is type(None)\n", "x = a is not None\n"),
    ("plain-types.none-type", "type = f\nx = type(a) is type(None)\n", "type = f\nx = a is None\n"),
    (
        "plain-types.hex-digest",
        "import hashlib\nx = hashlib.shake_128(a).digest().hex()\n",
        "import hashlib\nx = hashlib.shake_128(a).hexdigest()\n",
    ),
    (
        "plain-types.hex-digest",
        "import hashlib\nx = hashlib.sha1(a).digest().hex()\n",
        "import hashlib\nx = hashlib.sha1(b).hexdigest()\n",
    ),
    (
        "plain-types.hex-digest",
        "import hashlib\nx = hashlib.sha1(a).digest().hex(':')\n",
        "import hashlib\nx = hashlib.sha1(a).hexdigest()\n",
    ),
    ("plain-types.type-of-literal", "x = type(0)\n", "x = bool\n"),
    ("plain-types.type-of-literal", "x = type(True)\n", "x = int\n"),
    (
        "plain-types.constant-condition",
        "def f():\n    x = 'a'\n    if -x or True: ...\n",
        "def f():\n    x = 'a'\n    if True: ...\n",
    ),
    (
        "plain-types.constant-condition",
        "def f():\n    x = 'a'\n    return x or True\n",
        "def f():\n    x = 'a'\n    return True\n",
    ),
    (
        "plain-types.constant-condition",
        "def f():\n    x = 1\n    if x and True: ...\n",
        "def f():\n    x = 1\n    if True: ...\n",
    ),
    ("plain-types.constant-condition", "if f() or True: ...\n", "if True: ...\n"),
    (
        "plain-types.constant-condition",
        "def f(a):\n    b = len(a)\n    if b or True: ...\n",
        "def f(a):\n    b = len(a)\n    if False: ...\n",
    ),
    ("plain-types.constant-values", "x = {a: None for a in b}\n", "x = dict.fromkeys(b, 1, 2)\n"),
    ("plain-types.constant-values", "x = {a: None for a in b}\n", "x = dict.fromkeys()\n"),
    ("plain-types.constant-values", "x = {a: 1 for a in b}\n", "x = dict.fromkeys(b)\n"),
    ("plain-types.constant-values", "x = {1: None for a in b}\n", "x = dict.fromkeys(b)\n"),
    (
        "plain-types.constant-values",
        "dict = D\nx = {a: None for a in b}\n",
        "dict = D\nx = dict.fromkeys(b)\n",
    ),
    (
        "plain-types.constant-values",
        "async def f(b):\n    return {a: None async for a in b}\n",
        "async def f(b):\n    return dict.fromkeys(b)\n",
    ),
]
ALIASING = [
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = list(a)\n    it = enumerate(b)\n    b = b[::-1]\n    return list(it)\n",
        "def f(a):\n    b = list(a)\n    it = enumerate(b)\n    b.reverse()\n    return list(it)\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = list(a)\n    for c in b:\n        b = b[::-1]\n",
        "def f(a):\n    b = list(a)\n    for c in b:\n        b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = list(a)\n    g = (c for c in b)\n    b = b[::-1]\n    return list(g)\n",
        "def f(a):\n    b = list(a)\n    g = (c for c in b)\n    b.reverse()\n    return list(g)\n",
    ),
    (
        "aliasing.reversed-in-place",
        "from m import print\ndef f(a):\n    b = list(a)\n    print(b)\n    b = b[::-1]\n",
        "from m import print\ndef f(a):\n    b = list(a)\n    print(b)\n    b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = list(a)\n    try: return b\n    finally: b = b[::-1]\n",
        "def f(a):\n    b = list(a)\n    try: return b\n    finally: b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = list(a)\n    b = reversed(b)\n    return len(b)\n",
        "def f(a):\n    b = list(a)\n    b.reverse()\n    return len(b)\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    y = list(a)\n    g(y)\n    b = y if a else []\n    b = b[::-1]\n",
        "def f(a):\n    y = list(a)\n    g(y)\n    b = y if a else []\n    b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = []\n    if a:\n        from m import b\n    b = b[::-1]\n",
        "def f(a):\n    b = []\n    if a:\n        from m import b\n    b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = list(a)\n    g(b.copy)\n    b = b[::-1]\n",
        "def f(a):\n    b = list(a)\n    g(b.copy)\n    b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = list(a)\n    assert a, b\n    b = b[::-1]\n",
        "def f(a):\n    b = list(a)\n    assert a, b\n    b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = ()\n    b = b[::-1]\n",
        "def f(a):\n    b = ()\n    b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "from m import reversed\ndef f(a):\n    b = []\n    b = list(reversed(b))\n",
        "from m import reversed\ndef f(a):\n    b = []\n    b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place",
        "def f(a):\n    b = list(a)\n    b = c = b[::-1]\n",
        "def f(a):\n    b = list(a)\n    b.reverse()\n",
    ),
    (
        "aliasing.reversed-in-place aliasing.iterated-directly",
        "def f(a):\n    b = list(a)\n    g = (c for c in list(b))\n    b = b[::-1]\n    return list(g)\n",
        "def f(a):\n    b = list(a)\n    g = (c for c in b)\n    b.reverse()\n    return list(g)\n",
    ),
    (
        "aliasing.iterated-directly",
        "def f():\n    a = [1]\n    for b in list(a): a.append(b)\n",
        "def f():\n    a = [1]\n    for b in a: a.append(b)\n",
    ),
    (
        "aliasing.iterated-directly",
        "def f():\n    a = [1]\n    c = a\n    for b in list(a): c.append(b)\n",
        "def f():\n    a = [1]\n    c = a\n    for b in a: c.append(b)\n",
    ),
    (
        "aliasing.iterated-directly",
        "def f():\n    a = [1]\n    for b in list(a): a[0:0] = [b]\n",
        "def f():\n    a = [1]\n    for b in a: a[0:0] = [b]\n",
    ),
    (
        "aliasing.unpacked-sum",
        "def f(b):\n    a = list(b)\n    g(a)\n    return a + [h()]\n",
        "def f(b):\n    a = list(b)\n    g(a)\n    return [*a, h()]\n",
    ),
    (
        "aliasing.unpacked-sum",
        "def f(b):\n    a = list(b)\n    return a + [1]\n",
        "def f(b):\n    a = list(b)\n    return [1, *a]\n",
    ),
    (
        "aliasing.unpacked-sum",
        "def f(b):\n    a = list(b)\n    return a + (1,)\n",
        "def f(b):\n    a = list(b)\n    return [*a, 1]\n",
    ),
    (
        "aliasing.unpacked-sum",
        "def f(b):\n    a = tuple(b)\n    return a + (1,)\n",
        "def f(b):\n    a = tuple(b)\n    return [*a, 1]\n",
    ),
]
UNUSED = "reflection.unused-import"
REFLECTION = [
    (UNUSED, "import os\n__all__ = ['os']\n", "__all__ = ['os']\n"),
    (UNUSED, "import os\nx: 'os.PathLike' = 1\n", "x: 'os.PathLike' = 1\n"),
    (UNUSED, "from __future__ import annotations\nx: y = 1\n", "x: y = 1\n"),
    (UNUSED, "class A:\n    import os\n", "class A:\n    pass\n"),
    (
        UNUSED,
        "try:\n    import tomllib\nexcept ImportError: x = 1\n",
        "try:\n    pass\nexcept ImportError: x = 1\n",
    ),
    (
        UNUSED,
        "try:\n    import os\nexcept ImportError: x = 1\n",
        "try:\n    pass\nexcept ImportError: x = 1\n",
    ),
    (UNUSED, "from a import x, os\nfrom c import y, sys\n", "from c import y\nfrom a import x\n"),
    (UNUSED, "import os\n'text'\n", "'text'\n"),
    (UNUSED, "import tomllib\n", "", (3, 8)),
    (UNUSED, "import telnetlib\n", "", (3, 8)),
    (UNUSED, "import os\nglobals()['os']\n", "globals()['os']\n"),
    (UNUSED, "import os\ngetattr(builtins, 'locals')()\n", "getattr(builtins, 'locals')()\n"),
    (UNUSED, "from os import *\n", ""),
    (UNUSED, "import os\ndef f():\n    '''>>> os.sep'''\n", "def f():\n    '''>>> os.sep'''\n"),
    (UNUSED, "import os\nimport os.path\nprint(os)\n", "print(os)\n"),
    (UNUSED, "from os import nothing\n", ""),
    ("", "x: int = 1\n", "from __future__ import annotations\nx: int = 1\n"),
    ("", "class A:\n    x = 1\n", "class A:\n    import os\n    x = 1\n"),
    ("", "def f():\n    x = 1\n", "def f():\n    import os\n    x = 1\n"),
    ("", "'text'\nx = 1\n", "import os\n'text'\nx = 1\n"),
    ("", "x = 1\n", "from os import nothing\nx = 1\n"),
    ("", "x = 1\n", "import tomllib\nx = 1\n"),
    ("", "x = 1\n", "from functools import cache\nx = 1\n", (3, 8)),
    ("", "import a\nimport b\n", "import b\nimport os\nimport a\n"),
    ("", "from a import x\nfrom b import y\n", "from b import y, z\nfrom a import x\n"),
    ("", "x = 1\n", "import _thread as len\nx = 1\n"),
    ("", "for x in dir(): print(x)\n", "import os\nfor x in dir(): print(x)\n"),
    (
        "types.truth-value",
        "x = True if a else False\n",
        "from os import path as bool\nx = bool(a)\n",
    ),
    ("reflection.builtin-import", "from builtins import str\n", "from evil import str\n"),
    (
        "reflection.builtin-import",
        "from builtins import str, int\n",
        "from builtins import int\nfrom evil import x\n",
    ),
    ("reflection.builtin-import", "from builtins import nothing\n", ""),
    ("reflection.builtin-import", "str = x\nfrom builtins import *\n", "str = x\n"),
    (
        "reflection.builtin-import",
        "from m import *\nfrom builtins import str\n",
        "from m import *\n",
    ),
    (
        "reflection.builtin-import",
        "class A:\n    from builtins import str\n",
        "class A:\n    pass\n",
    ),
    (
        "reflection.builtin-import",
        "from builtins import str\n__all__ = ['str']\n",
        "__all__ = ['str']\n",
    ),
    ("reflection.builtin-import", "from __future__ import annotations\nx: y = 1\n", "x: y = 1\n"),
    ("reflection.builtin-import", "from __future__ import division\n'text'\n", "'text'\n"),
    ("reflection.builtin-import", "from __future__ import division\n", "", None),
    ("reflection.submodule-import", "import os.path as path\n", "from posixpath import path\n"),
    ("reflection.submodule-import", "import os.path as path\n", "from .os import path\n"),
    (
        "reflection.renamed-local",
        "def f(a):\n    for b in a: b += 1\n",
        "def f(a):\n    for _b in a: b += 1\n",
    ),
    (
        "reflection.renamed-local",
        "def f(a):\n    for b in a: ...\n    del b\n",
        "def f(a):\n    for _b in a: ...\n    del b\n",
    ),
    (
        "reflection.renamed-local",
        "def f(a):\n    c = lock()\n    for b in a: ...\n",
        "def f(a):\n    c = lock()\n    for c in a: ...\n",
    ),
    (
        "reflection.renamed-local",
        "def f(a):\n    for b in a: ...\n    for b in a: ...\n",
        "def f(a):\n    for _b in a: ...\n    for b in a: ...\n",
    ),
    (
        "reflection.renamed-local",
        "def f(a):\n    for b in a: ...\n    return c\n",
        "def f(a):\n    for c in a: ...\n    return c\n",
    ),
    (
        "reflection.renamed-local",
        "def f(a):\n    global c\n    for b in a: ...\n",
        "def f(a):\n    global c\n    for c in a: ...\n",
    ),
    ("reflection.renamed-local", "for b in a: ...\n", "for _b in a: ...\n"),
    (
        "reflection.renamed-local",
        "def f(a):\n    for b in a: ...\n    def g():\n        nonlocal b\n        b = 1\n",
        "def f(a):\n    for _b in a: ...\n    def g():\n        nonlocal b\n        b = 1\n",
    ),
    (
        "reflection.renamed-local",
        "def f(a):\n    for b in a: ...\n",
        "def f(a):\n    for a in a: ...\n",
    ),
    (
        "reflection.renamed-local",
        "def f(a):\n    for b, c in a: ...\n",
        "def f(a):\n    for _b, _b in a: ...\n",
    ),
    (
        "reflection.local-function",
        "def f(a):\n    g = h = lambda: 1\n    return g()\n",
        "def f(a):\n    def g(): return 1\n    return g()\n",
    ),
    (
        "reflection.local-function",
        "def f(a):\n    g = lambda: (yield)\n    return g()\n",
        "def f(a):\n    def g(): return (yield)\n    return g()\n",
    ),
    (
        "reflection.local-function",
        "def f(a):\n    g = lambda: 1\n    h(g)\n    return g()\n",
        "def f(a):\n    def g(): return 1\n    h(g)\n    return g()\n",
    ),
    (
        "reflection.local-function",
        "def f(a):\n    g = lambda x=1: x\n    return g()\n",
        "def f(a):\n    def g(x=2): return x\n    return g()\n",
    ),
    (
        "reflection.local-function",
        "def f(a):\n    global g\n    g = lambda x: x\n    return g()\n",
        "def f(a):\n    global g\n    def g(x): return x\n    return g()\n",
    ),
    (
        "reflection.local-function",
        "def f(a):\n    g = lambda x: x\n    return g(1)\n",
        "def f(a):\n    async def g(x): return x\n    return g(1)\n",
    ),
    ("reflection.needless-alias", "import a as a, b as b\n", "import b, a\n"),
    ("reflection.needless-alias", "import os.path as os\n", "import os.path\n"),
]
SPELLING = [
    ("spelling.display", "x = dict(**y)\n", "x = {None: y}\n"),
    ("spelling.display", "class A:\n    x = dict(__a=1)\n", "class A:\n    x = {'__a': 1}\n"),
    ("spelling.display", "x = dict(a=1, b=2)\n", "x = {'b': 2, 'a': 1}\n"),
    ("spelling.display", "x = list([a, b])\n", "x = [b, a]\n"),
    ("spelling.display", "x = tuple([a, b])\n", "x = [a, b]\n"),
    ("spelling.display", "x = list(*[a])\n", "x = [a]\n"),
    ("spelling.display", "def f(list): return list([a])\n", "def f(list): return [a]\n"),
    (
        "spelling.display",
        "class A:\n    def list(self): ...\n    x = list([a])\n",
        "class A:\n    def list(self): ...\n    x = [a]\n",
    ),
    ("spelling.display", "x = dict([(a, b), (c,)])\n", "x = {a: b}\n"),
    ("spelling.display", "x = set()\n", "x = ()\n"),
    ("spelling.attribute-by-name", "setattr(x, 'a', (x := f()))\n", "x.a = (x := f())\n"),
    (
        "spelling.attribute-by-name",
        "def g():\n    global x\n    x = 1\nsetattr(x, 'a', g())\n",
        "def g():\n    global x\n    x = 1\nx.a = g()\n",
    ),
    (
        "spelling.attribute-by-name",
        "def g():\n    global y\n    y = 1\nsetattr(g(), 'a', y)\n",
        "def g():\n    global y\n    y = 1\ng().a = y\n",
    ),
    (
        "spelling.attribute-by-name",
        "class A:\n    def m(self): return getattr(self, '__a')\n",
        "class A:\n    def m(self): return self.__a\n",
    ),
    ("spelling.attribute-by-name", "x = getattr(a, 'b', None)\n", "x = a.b\n"),
    ("spelling.attribute-by-name", "x = getattr(a, 'b')\n", "x = a.c\n"),
    ("spelling.attribute-by-name", "x = getattr(a, b)\n", "x = a.b\n"),
    ("spelling.unpacked-display", "f(**{**x, 'a': 1})\n", "f(**x, a=1)\n"),
    ("spelling.unpacked-display", "f(**{'a': 1, 'a': 2})\n", "f(a=1, a=2)\n"),
    ("spelling.unpacked-display", "f(a=0, **{'a': 1})\n", "f(a=0, a=1)\n"),
    ("spelling.unpacked-display", "f(**{'__debug__': 1})\n", "f(__debug__=1)\n"),
    ("spelling.unpacked-display", "x = {**{[]: 1}, 'b': g()}\n", "x = {[]: 1, 'b': g()}\n"),
    ("spelling.unpacked-display", "x = {**{'a': 1}, 'b': 2}\n", "x = {'b': 2, 'a': 1}\n"),
    ("spelling.unpacked-display", "f(**{'a': g(), 'b': h()})\n", "f(b=h(), a=g())\n"),
    ("spelling.mirrored-comparison", "x = 1 < y\n", "x = y < 1\n"),
    ("spelling.mirrored-comparison", "x = 1.0 == y\n", "x = y == 1.0\n"),
    ("spelling.mirrored-comparison", "x = a == 1\n", "x = 1 == a\n"),
    ("spelling.mirrored-comparison", "x = 1 < y < z\n", "x = z > y > 1\n"),
    ("spelling.mirrored-comparison", "x = 1 in y\n", "x = y in 1\n"),
    ("spelling.computed-constant", "x = str({'a', 'b'})\n", "x = \"{'a', 'b'}\"\n"),
    ("spelling.computed-constant", "x = str({'a', 'b'})\n", "x = \"{'b', 'a'}\"\n"),
    (
        "spelling.computed-constant",
        "from decimal import Decimal\nx = Decimal('0.5')\n",
        "from decimal import Decimal\nx = Decimal(0.5)\n",
    ),
    ("spelling.computed-constant", "x = int('1')\n", "x = True\n"),
    ("spelling.computed-constant", "x = float('0')\n", "x = -0.0\n"),
    ("spelling.computed-constant", "x = float(1)\n", "x = 1\n"),
    ("spelling.computed-constant", "int = f\nx = int('1')\n", "int = f\nx = 1\n"),
    ("spelling.computed-constant", "x = 'a b'.split()\n", "x = ('a', 'b')\n"),
    ("spelling.computed-constant", "x = 'a b'.split(' ', -1)\n", "x = ['a b']\n"),
    (
        "spelling.computed-constant",
        "def f():\n    str('text')\n    return 1\n",
        "def f():\n    'text'\n    return 1\n",
    ),
    ("spelling.computed-constant", "x = bytes(99999999999)\n", "x = b''\n"),
    (
        "spelling.computed-constant",
        "from m import str\nx = str('a')\n",
        "from m import str\nx = 'a'\n",
    ),
]
TYPES = [
    (
        "types.none-comparison",
        "x = 1\ndef f(a=x == None):\n    x = 1\n",
        "x = 1\ndef f(a=x is None):\n    x = 1\n",
    ),
    (
        "types.none-comparison",
        "def f(t):\n    x = 1\n    return [x == None for x in t]\n",
        "def f(t):\n    x = 1\n    return [x is None for x in t]\n",
    ),
    (
        "types.none-comparison",
        "def f(t):\n    x = 1\n    for x in t: ...\n    return x == None\n",
        "def f(t):\n    x = 1\n    for x in t: ...\n    return x is None\n",
    ),
    (
        "types.none-comparison",
        "def f(t):\n    x = 1\n    class A:\n        x = t\n        y = x == None\n",
        "def f(t):\n    x = 1\n    class A:\n        x = t\n        y = x is None\n",
    ),
    (
        "types.none-comparison",
        "def f(t):\n    x = 1\n    match t:\n        case x: ...\n    return x == None\n",
        "def f(t):\n    x = 1\n    match t:\n        case x: ...\n    return x is None\n",
    ),
    (
        "types.none-comparison",
        "def f(t):\n    x = 1\n    print(x := t)\n    return x == None\n",
        "def f(t):\n    x = 1\n    print(x := t)\n    return x is None\n",
    ),
    (
        "types.none-comparison",
        "def f(t):\n    x = 1\n    x += t\n    return x == None\n",
        "def f(t):\n    x = 1\n    x += t\n    return x is None\n",
    ),
    (
        "types.none-comparison",
        "def f(t):\n    x = 1\n    def g():\n        nonlocal x\n        x = t\n    return x == None\n",
        "def f(t):\n    x = 1\n    def g():\n        nonlocal x\n        x = t\n    return x is None\n",
    ),
    (
        "types.none-comparison",
        "def f(t):\n    x = '%s' % t\n    return x == None\n",
        "def f(t):\n    x = '%s' % t\n    return x is not None\n",
    ),
    ("types.none-comparison", "x = len(a) == None\n", "x = len(b) is None\n"),
    ("types.none-comparison", "x = len(a) == None == b\n", "x = len(a) is None == b\n"),
    (
        "types.none-comparison",
        "def f(x: int):\n    return x == None\n",
        "def f(x: int):\n    return x is None\n",
    ),
    (
        "types.bool-comparison",
        "def f(a):\n    b = a is None\n    return b == True\n",
        "def f(a):\n    b = a is None\n    return not b\n",
    ),
    (
        "types.bool-comparison",
        "def f(a):\n    b = len(a)\n    return b == True\n",
        "def f(a):\n    b = len(a)\n    return b\n",
    ),
    (
        "types.bool-comparison",
        "def f(a):\n    b = a == 1\n    return b == True\n",
        "def f(a):\n    b = a == 1\n    return b\n",
    ),
    ("types.negated-equality", "x = not len(a) == len(b)\n", "x = len(a) == len(b)\n"),
    ("types.negated-equality", "x = not len(a) == len(b)\n", "x = len(b) != len(a)\n"),
    ("types.negated-equality", "x = not 1 < len(b)\n", "x = 1 > len(b)\n"),
    (
        "types.truth-value",
        "def f(a):\n    if a is None: return True\n    else: return False\n    yield 1\n",
        "def f(a):\n    return a is None\n",
    ),
    (
        "types.truth-value",
        "def f(a):\n    if a is None: return 1\n    return 0\n",
        "def f(a):\n    return a is None\n",
    ),
    ("types.truth-value", "x = not not a\n", "x = a\n"),
    ("types.truth-value", "x = b and not not a\n", "x = b and a\n"),
    ("types.truth-value", "x = True if a else False\n", "x = not a\n"),
    (
        "types.truth-value",
        "from m import bool\nx = True if a else False\n",
        "from m import bool\nx = bool(a)\n",
    ),
    (
        "types.truth-value reflection.renamed-local",
        "def f(a, c):\n    for b in a: ...\n    return True if c else False\n",
        "def f(a, c):\n    for bool in a: ...\n    return bool(c)\n",
    ),
    ("types.joined-texts", "x = b'/'.join(['x'])\n", "x = f'x'\n"),
    ("types.joined-texts", "x = ''.join(['1'])\n", "x = 1\n"),
    ("types.joined-texts", "x = ''.join(['1'])\n", "x = b'1'\n"),
    ("types.joined-texts", "x = ''.join([str(a)], **k)\n", "x = f'{str(a)}'\n"),
    ("types.joined-texts", "x = '/'.join([str(a), str(b)])\n", "x = f'{str(b)}/{str(a)}'\n"),
    ("types.joined-texts", "x = '/'.join([str(a), str(b)])\n", "x = f'{str(a)}{str(b)}'\n"),
    ("types.joined-texts", "x = ''.join([str(a)])\n", "x = f'{str(a)!r}'\n"),
    ("types.percent-format", "x = '%s' % len(a)\n", "x = f'{len(b)}'\n"),
    ("types.percent-format", "x = '100% ' % ()\n", "x = '100% '.format()\n"),
    ("types.percent-format", "x = 'a\\0%s' % len(a)\n", "x = 'a%{}'.format(len(a))\n"),
    ("types.percent-format", "x = '%s%' % len(a)\n", "x = '{}%'.format(len(a))\n"),
    ("types.percent-format", "x = '%r' % a\n", "x = '{!r}'.format(a)\n"),
    ("types.percent-format", "x = '%s %s' % (1, 2)\n", "x = '{} {}'.format(2, 1)\n"),
    ("types.percent-format", "x = '%s' % 1\n", "x = '{!r}'.format(1)\n"),
    ("types.percent-format", "x = '{}%s' % 1\n", "x = '{}{}'.format(1)\n"),
]
ANY = "types.truth-value spelling.display reflection.unused-import"
WHOLE_FILES = [
    (ANY, "#!/usr/bin/env python3\nx = 1\n", "#!/bin/rm\nx = 1\n"),
    (ANY, "x = 1\n", "# coding: utf-7\nx = 1\n"),
    (ANY, "# coding: utf-7\nx = 1\n", "# coding: utf-7\n# +AAo-y\nx = 1\n"),
    (ANY, "# -*- coding: latin-1 -*-\nx = 'é'\n", "# -*- coding: utf-8 -*-\nx = 'é'\n"),
    (
        ANY,
        "# /// script\n# dependencies = ['a']\n# ///\nx = 1\n",
        "# /// script\n# dependencies = ['b']\n# ///\nx = 1\n",
    ),
    (
        ANY,
        "with open(a) as b, open(c) as d: ...\n",
        "with (open(a) as b, open(c) as d): ...\n",
        (3, 8),
    ),
    (ANY, "x = '''\n>>> list([1])\n'''\n", "x = '''\n>>> [1]\n'''\n"),
    (ANY, "a(); b()\n", "b(); a()\n"),
    (ANY, "x = 1\ny = 2\n", "y = 2\nx = 1\n"),
    (ANY, "x = 1\n", ""),
    (ANY, "def f(): ...\n", "@g\ndef f(): ...\n"),
    (ANY, "def f(): ...\n", "async def f(): ...\n"),
    (ANY, "if a:\n    b()\nc()\n", "if a:\n    b()\n    c()\n"),
    (ANY, "x = 1 \\\n + 2\n", "x = 1\n+ 2\n"),
    (ANY, "x = 'a' 'b'\n", "x = 'a'; 'b'\n"),
    (ANY, "def f(x: list([a])): ...\n", "def f(x: [a]): ...\n"),
    (ANY, "def f() -> list([a]): ...\n", "def f() -> [a]: ...\n"),
    (ANY, "x: list([a]) = 1\n", "x: [a] = 1\n"),
]


def _rows() -> list[Hostile]:
    """Return all edits of the tables above."""
    tables = [CALLS, DICTS, DUPLICATES, EXCEPTIONS, FORMATTING, LAZINESS, LIFETIME, ORDERING]
    tables += [PLAIN, ALIASING, REFLECTION, SPELLING, TYPES, WHOLE_FILES]
    named = [Hostile("calls.default-argument", *each) for each in OPEN]
    named += [Hostile("defaults.fresh-default", *each) for each in DEFAULTS]
    return named + [Hostile(*each) for table in tables for each in table]


HOSTILE = _rows()
