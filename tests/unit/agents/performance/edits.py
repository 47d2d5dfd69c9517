"""Edits under the conditions of this type: those that keep behaviour, and hostile ones.

Each is a condition with the code before and after. What is hostile an attacker or a careless engine
may submit; a condition must hold for none of it.
"""

# ruff: noqa: E501  (an edit is a line)
# fmt: off

from typing import NamedTuple


class Tried(NamedTuple):
    condition: str
    before: str
    after: str
    # Other files of the repository.
    others: tuple[tuple[str, str], ...] = ()


MEMBERSHIP, CONSTANT, COPY = "membership.hashed-constants", "membership.searched-constant", "membership.searched-directly"
QUEUE = "queues.own-queue"


def queue(*lines, start="[a]", made="deque([a])"):
    """Return a function over a list with these lines, and with a deque and these lines."""
    old = "\n    ".join(("def f(a):", f"q = {start}", *lines, ""))
    new = old.replace(f"q = {start}", f"q = {made}").replace("q.pop(0)", "q.popleft()").replace("q.insert(0, ", "q.appendleft(")
    return Tried(QUEUE, f"import os\n\n{old}\nos.sep\n", f"import os\nfrom collections import deque\n\n{new}\nos.sep\n")


ADDED, COMPILED = "patterns.added-pattern", "patterns.compiled-once"


def pattern(before, after, constant="_P = re.compile('a')", start="import re\n"):
    """Return a function before, and after with a constant for its pattern."""
    return Tried(f"{COMPILED} {ADDED}", f"{start}def f(s):\n    {before}\n", f"{start}{constant}\ndef f(s):\n    {after}\n")


OWN_METHOD = "patterns.own-method"


def asked(before, after, constant="P = re.compile('a')", rest=""):
    """Return a function that asks `re` with a constant, and its method."""
    head = f"import re\n{constant}\n"
    return Tried(OWN_METHOD, f"{head}def f(s): return {before}\n{rest}", f"{head}def f(s): return {after}\n{rest}")


FILLED, COUNTED, JOINED = "comprehensions.filled-by-loop", "copies.counted-directly", "copies.joined-directly"


def filled(loop, comprehension, before="", after="return r", start="r = []"):
    """Return a function that fills a list or dict by a loop, and by a comprehension."""
    head, tail = f"def f(a, g):\n    {before}\n", f"    {after}\n"
    return Tried(FILLED, f"{head}    {start}\n    {loop}\n{tail}", f"{head}    r = {comprehension}\n{tail}")


CACHED = "caching.cached-formula"


def cached(body="if n < 2: return n\n    return _f(n - 1) + _f(n - 2)", rest="x = _f(30)", name="_f", head="", after=None):
    """Return a function without and with a cache; `rest` is what follows it."""
    function = f"def {name}(n):\n    {body}\n"
    new = function if after is None else after
    return Tried(CACHED, f"{head}import os\n{function}{rest}\nos.sep\n", f"{head}import os\nfrom functools import cache\n@cache\n{new}{rest}\nos.sep\n")


KEPT = [
    asked("re.match(P, s)", "P.match(s)"),
    asked("re.sub(P, s, string=g(s))", "P.sub(s, string=g(s))", "P = re.compile(b'a', re.I)"),
    cached(),
    cached(rest="def g(a): return _f(len(a)) + _f(int(a))"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a]"),
    filled("for x, y in a:\n        if g(x): r.append(y)", "[y for x, y in a if g(x)]"),
    filled("for x in a: r[x] = g(x)", "{x: g(x) for x in a}", start="r = {}"),
    filled("for x in a: r[g(x)] = 1", "{g(x): 1 for x in a}", start="r = {}"),
    filled("for x in a: r.append(x.b)", "[x.b for x in a]", after="return [x for x in r]"),
    Tried(FILLED, "def f(a, g):\n    r = []\n    s = g(a)\n    if s: return 1\n    for x in a: r.append(s(x))\n    return r\n", "def f(a, g):\n    s = g(a)\n    if s: return 1\n    r = [s(x) for x in a]\n    return r\n"),
    Tried(FILLED, "def f(a): return eval(a)\ndef g(a):\n    r = []\n    for x in a: r.append(-x)\n    return r\n", "def f(a): return eval(a)\ndef g(a):\n    r = [-x for x in a]\n    return r\n"),
    Tried(FILLED, "def f(a, g):\n    with g() as h:\n        r = []\n        for x in h: r.append(g(x))\n        return r\n", "def f(a, g):\n    with g() as h:\n        r = [g(x) for x in h]\n        return r\n"),
    Tried(FILLED, "def f(a):\n    r = []\n    for x in a: r.append(-x)\n    s = {}\n    for x in a: s[x] = x\n    return r, s\n", "def f(a):\n    r = [-x for x in a]\n    s = {x: x for x in a}\n    return r, s\n"),
    Tried(COUNTED, "def f(a):\n    b = {}\n    return len(list(b))\n", "def f(a):\n    b = {}\n    return len(b)\n"),
    Tried(COUNTED, "def f(a):\n    b = sorted(a)\n    return len([c for c in b])\n", "def f(a):\n    b = sorted(a)\n    return len(b)\n"),
    Tried(JOINED, "x = ', '.join(list(y))\n", "x = ', '.join(y)\n"),
    pattern("return re.compile('a').match(s)", "return _P.match(s)"),
    pattern("return re.match('a', s)", "return _P.match(s)"),
    pattern("return re.sub('a', 'b', s, 1, flags=re.M)", "return _P.sub('b', s, 1)", "_P = re.compile('a', re.M)"),
    pattern("p = re.compile('a')\n    return p.match(s), p", "return _P.match(s), _P"),
    pattern("p = re.compile('a')\n    return lambda: p", "p = _P\n    return lambda: p"),
    queue("while q:", "    a(q.pop(0))"),
    queue("while q:", "    b = q.pop(0)", "    q.extend(a[b])", "    if q: a(q[0], len(q))"),
    queue("while 1 and len(q) != 0:", "    q.pop(0)", start="[]", made="deque()"),
    queue("for b in a: q.insert(0, b)", "return tuple(q)", start="list(a)", made="deque(a)"),
    queue("for b in a: q.insert(0, b)", "return [c for c in q if c in q]", start="sorted(a)", made="deque(sorted(a))"),
    queue("while q:", "    a(q.pop(0))", "q = [b for b in a]", "return len(q)")._replace(after="import os\nfrom collections import deque\n\ndef f(a):\n    q = deque([a])\n    while q:\n        a(q.popleft())\n    q = deque([b for b in a])\n    return len(q)\n    \nos.sep\n"),
    Tried(MEMBERSHIP, "import sys\nx = sys.platform in ['a', 'b']\n", "import sys\nx = sys.platform in {'a', 'b'}\n"),
    Tried(MEMBERSHIP, "def f(a):\n    b = len(a)\n    return b not in (1, -2, (3, None))\n", "def f(a):\n    b = len(a)\n    return b not in {1, -2, (3, None)}\n"),
    Tried(MEMBERSHIP, "def f(a):\n    return [c for c in str(a) if c in ['a', 'b']]\n", "def f(a):\n    return [c for c in str(a) if c in {'a', 'b'}]\n"),
    Tried(CONSTANT, "_A = ['a', 'b']\ndef f(a): return str(a) in _A\n", "_A = {'a', 'b'}\ndef f(a): return str(a) in _A\n"),
    Tried(COPY, "def f(a):\n    b = sorted(a)\n    return a in list(b)\n", "def f(a):\n    b = sorted(a)\n    return a in b\n"),
    Tried(COPY, "def f(a):\n    b = {}\n    return len(a) in tuple(b)\n", "def f(a):\n    b = {}\n    return len(a) in b\n"),
]
HOSTILE = [
    cached(rest="x = _f(a)"),
    cached(rest="x = _f(3.0)"),
    cached(rest="x = _f(True)"),
    cached(rest="x = map(_f, [1, 2])"),
    cached(rest="x = _f"),
    cached(rest="x = '_f'"),
    cached(rest="_f = g(_f)"),
    cached(rest="x = _f(n=3)"),
    cached(head="from m import *\n"),
    cached(name="f", body="if n < 2: return n\n    return f(n - 1) + f(n - 2)", rest="x = f(3)"),
    cached(after="def _f(n):\n    return 1\n"),
    cached("if n < 2: return [n]\n    return _f(n - 1) + _f(n - 2)"),
    cached("print(n)\n    return _f(n - 1) + _f(n - 2)"),
    cached("if n < LIMIT: return n\n    return _f(n - 1) + _f(n - 2)"),
    cached("if n < 2: return n\n    return _f(n - 1) + _f(0)"),
    cached("if n < 2: return n\n    return _f(n - 1) + _f(n - 500)"),
    cached("if n % 2: return n\n    return _f(n - 1) + _f(n - 2)"),
    cached("if n > 2: return n\n    return _f(n - 1) + _f(n - 2)"),
    cached("if n < 2: return _f(n)\n    return _f(n - 1) + _f(n - 2)"),
    cached("return _f(n - 1) + _f(n - -1)"),
    cached("return _f(n - 1) if n else _f(n - 2)"),
    cached("n = n - 1\n    return _f(n - 1) + _f(n - 2)"),
    cached("return _f(n - 1) + 1"),
    cached("global x\n    return _f(n - 1) + _f(n - 2)"),
    cached("return _f(n - 1) + _f(n - 2) + (yield)"),
    cached("import time\n    return _f(n - 1) + _f(n - 2) + time.time()"),
    cached("return _f(n - 1) + _f(n - 2) + abs(n)", rest="abs = g\nx = _f(3)"),
    Tried(CACHED, "def _f(n): return _f(n - 1) + _f(n - 2)\n", "@g\ndef _f(n): return _f(n - 1) + _f(n - 2)\n"),
    Tried(CACHED, "import functools\ndef _f(n=3): return _f(n - 1) + _f(n - 2)\n", "import functools\n@functools.cache\ndef _f(n=3): return _f(n - 1) + _f(n - 2)\n"),
    Tried(CACHED, "from functools import cache\ndef _f(n): return _f(n - 1) + _f(n - 2)\n", "from functools import cache\n@cache\ndef _f(n): return _f(n - 1) + _f(n - 2)\n", (("n.py", "from m import _f\n"),)),
    filled("for x in a: r.append(g(x))", "[g(x) for x in g]"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a if x]"),
    filled("for x in a: r.append(g(x))", "[g(a) for x in a]"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a]", after="return r, x"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a]", after="return lambda: r"),
    filled("for x in a: r.append(lambda: x)", "[lambda: x for x in a]"),
    filled("for x in a: r.append(len(r))", "[len(r) for x in a]"),
    filled("for x in r: r.append(x)", "[x for x in r]"),
    filled("for x in a: r.append((yield x))", "[(yield x) for x in a]"),
    filled("for x in a: r.append(super().f(x))", "[super().f(x) for x in a]"),
    filled("for x in a: r.append((y := x))", "[(y := x) for x in a]"),
    filled("for x in a: r.append(*x)", "[x for x in a]"),
    filled("for x in a: r.append(g(x))\n    else: g()", "[g(x) for x in a]"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a]", before="global r"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a]", before="global x"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a]", after="return locals()"),
    filled("for g.x in a: r.append(1)", "[1 for g.x in a]"),
    filled("for x in x: r.append(x)", "[x for x in x]", before="x = a"),
    filled("for a in a: r.append(a)", "[a for a in a]"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a]", start="r = [1]"),
    filled("for x in a: r.append(g(x))", "[g(x) for x in a]", start="r = s = []"),
    filled("for x in a: r.extend(g(x))", "[g(x) for x in a]"),
    filled("for x in a:\n        g()\n        r.append(g(x))", "[g(x) for x in a]"),
    filled("for x in a:\n        if x: r.append(g(x))\n        else: g()", "[g(x) for x in a if x]"),
    filled("for x in a: r[g(x)] = g(a)", "{g(x): g(a) for x in a}", start="r = {}"),
    filled("for x in a: r[K] = g(x)", "{K: g(x) for x in a}", start="r = {}"),
    filled("for x in a: r[x] = r", "{x: r for x in a}", start="r = {}"),
    filled("for x in a: r[x:] = g(x)", "{x: g(x) for x in a}", start="r = {}"),
    Tried(FILLED, "def f(a, g):\n    r = []\n    g(r)\n    for x in a: r.append(x)\n    return r\n", "def f(a, g):\n    g(r)\n    r = [x for x in a]\n    return r\n"),
    Tried(FILLED, "def f(a, g):\n    r = []\n    g()\n    for x in a: r.append(x)\n    return r\n", "def f(a, g):\n    g()\n    r = [x for x in g]\n    return r\n"),
    Tried(FILLED, "def f(a, g):\n    r = []\n    g()\n    for x in a: r.append(x)\n    return r\n", "def f(a, g):\n    g()\n    return r\n    r = [x for x in a]\n"),
    Tried(FILLED, "def f(a, g):\n    r = []\n    g()\n    for x in a: r.append(x)\n    return r\n", "def f(a, g):\n    g()\n    for x in a: r.append(x)\n    return r\n"),
    Tried(FILLED, "def f(a, g):\n    for b in a:\n        r = []\n        if b: break\n        for x in b: r.append(x)\n    return r\n", "def f(a, g):\n    for b in a:\n        if b: break\n        r = [x for x in b]\n    return r\n"),
    Tried(FILLED, "e = eval\ndef g(a):\n    r = []\n    for x in a: r.append(-x)\n    return r\n", "e = eval\ndef g(a):\n    r = [-x for x in a]\n    return r\n"),
    Tried(FILLED, "def f(): return sys._getframe(1)\ndef g(a):\n    r = []\n    for x in a: r.append(-x)\n    return r\n", "def f(): return sys._getframe(1)\ndef g(a):\n    r = [-x for x in a]\n    return r\n"),
    Tried(FILLED, "r = []\nfor x in a: r.append(g(x))\n", "r = [g(x) for x in a]\n"),
    Tried(FILLED, "class A:\n    r = []\n    for x in a: r.append(g(x))\n", "class A:\n    r = [g(x) for x in a]\n"),
    Tried(FILLED, "def f(a):\n    try:\n        r = []\n        for x in a: r.append(g(x))\n    except E: print(r)\n", "def f(a):\n    try:\n        r = [g(x) for x in a]\n    except E: print(r)\n"),
    Tried(FILLED, "def f(a):\n    r = None\n    with s():\n        r = []\n        for x in a: r.append(g(x))\n    return r\n", "def f(a):\n    r = None\n    with s():\n        r = [g(x) for x in a]\n    return r\n"),
    Tried(FILLED, "async def f(a):\n    r = []\n    async for x in a: r.append(x)\n    return r\n", "async def f(a):\n    r = [x for x in a]\n    return r\n"),
    Tried(COUNTED, "x = len(list(y))\n", "x = len(y)\n"),
    Tried(COUNTED, "def f(a):\n    b = {}\n    return len(list(b))\n", "def f(a):\n    b = {}\n    return len(a)\n"),
    Tried(COUNTED, "def f(a):\n    b = map(g, a)\n    return len(list(b))\n", "def f(a):\n    b = map(g, a)\n    return len(b)\n"),
    Tried(COUNTED, "def f(a):\n    b = []\n    return len([c for c in b if c])\n", "def f(a):\n    b = []\n    return len(b)\n"),
    Tried(COUNTED, "def f(a):\n    b = []\n    return len([g(c) for c in b])\n", "def f(a):\n    b = []\n    return len(b)\n"),
    Tried(COUNTED, "len = g\ndef f(a):\n    b = []\n    return len(list(b))\n", "len = g\ndef f(a):\n    b = []\n    return len(b)\n"),
    Tried(JOINED, "x = y.join(list(z))\n", "x = y.join(z)\n"),
    Tried(JOINED, "list = g\nx = ''.join(list(z))\n", "list = g\nx = ''.join(z)\n"),
    Tried(JOINED, "x = ''.join(list(z))\n", "x = ''.join(y)\n"),
    Tried(JOINED, "x = ''.join(sorted(z))\n", "x = ''.join(z)\n"),
    Tried(JOINED, "x = ''.join(list(z))\n", "x = ','.join(z)\n"),
    pattern("return re.match('a', s)", "return _P.match(s)", "_P = re.compile('b')"),
    pattern("return re.match('a', s)", "return _P.match(s)", "_P = re.compile('a', re.I)"),
    pattern("return re.match('a', s, re.I)", "return _P.match(s)", "_P = re.compile('a', re.I)"),
    pattern("return re.match('a', s, flags=re.I)", "return _P.match(s)"),
    pattern("return re.match('a', s)", "return _P.search(s)"),
    pattern("return re.match('a', s)", "return _P.match(t)"),
    pattern("return re.match('a', s)", "return _P.match(s, 1)"),
    pattern("return re.match('(', s)", "return _P.match(s)", "_P = re.compile('(')"),
    pattern("return re.match('a', s)", "return _P.match(s)", "_P = re.compile('a', re.DEBUG)"),
    pattern("return re.compile('a', re.DEBUG)", "return _P", "_P = re.compile('a', re.DEBUG)"),
    pattern("return re.compile('a')", "return _P", "_P = f('a')"),
    pattern("return re.compile('a')", "return _P", "_P = re.compile('a'); print(1)"),
    pattern("return re.compile('a')", "return P", "P = re.compile('a')"),
    pattern("return re.compile('a')", "return __P", "__P = re.compile('a')"),
    pattern("return re.compile('a')", "return _P", "_P = re.compile('a'); _P = 1"),
    pattern("return re.compile('a')", "return _P", start="import re\n_P = 1\n"),
    pattern("return re.compile('a')", "return _P", start="import re\nx = '_P'\n"),
    pattern("return re.compile('a')", "return _P", start="import regex as re\n"),
    pattern("return re.compile('a')", "return _P", start="import re\nre.compile = g\n"),
    pattern("return re.compile('a')", "return _P", start="import re\nfrom m import *\n"),
    pattern("p = re.compile('a')\n    return p.match(s), p", "return _P.match(s), p"),
    pattern("if s: p = re.compile('a')\n    return p", "return _P"),
    pattern("p = re.compile('a')\n    del p", "del _P"),
    pattern("x = p\n    p = re.compile('a')\n    return p", "x = _P\n    return _P"),
    pattern("p = re.compile('a')\n    p = s\n    return p", "_P = s\n    return _P"),
    pattern("p = re.compile('a')\n    return locals()", "return locals()"),
    asked("re.match(P, s)", "P.search(s)"),
    asked("re.match(P, s)", "P.match(s, 1)"),
    asked("re.match(P, s)", "P.match(s)", "P = 'a'"),
    asked("re.match(P, s, re.I)", "P.match(s)"),
    asked("re.match(P, s)", "P.match(s)", rest="def g(): global P; P = 'a'\n"),
    asked("re.match(P, s)", "P.match(s)", rest="re.match = print\n"),
    Tried(f"{COMPILED} {ADDED}", "import re\ndef f(s): return re.compile('a')\nf(1)\n", "import re\ndef f(s): return _P\nf(1)\n_P = re.compile('a')\n"),
    Tried(ADDED, "import re\n", "import re\n_P = re.compile('a')\n", (("n.py", "from m import _P\n"),)),
    Tried(ADDED, "import re\n", "import re\n_P = re.compile(a)\n"),
    queue("while a: a(q.pop(0))"),
    queue("while q:", "    q.pop(0)", "    q.pop(0)"),
    queue("while q:", "    for b in a: q.pop(0)"),
    queue("while q or a:", "    q.pop(0)"),
    queue("while q and q.pop():", "    q.pop(0)"),
    queue("while not q:", "    q.pop(0)"),
    queue("while len(q) > -1:", "    q.pop(0)"),
    queue("while q:", "    q.pop(0)", "return q"),
    queue("while q:", "    q.pop(0)", "    a(q)"),
    queue("while q:", "    a.b = q", "    q.pop(0)"),
    queue("while q:", "    q.pop(0)", "    print(f'{q}')"),
    queue("while q:", "    q.pop(0)", "    a(q[1:])"),
    queue("while q:", "    q.pop(0)", "    q[0] = 1"),
    queue("while q:", "    q.pop(0)", "    q.sort()"),
    queue("while q:", "    q.pop(0)", "    q.remove(1)"),
    queue("while q:", "    q.pop(0)", "    q += [1]"),
    queue("while q:", "    q.pop(0)", "    q * 2"),
    queue("while q:", "    q.pop(0)", "    a(q == [1])"),
    queue("while q:", "    q.pop(0)", "    yield lambda: q"),
    queue("while q:", "    q.pop(0)", "    a(*q)"),
    queue("while q:", "    q.pop(0)", "for b in q: q.append(b)"),
    queue("while q:", "    q.pop(0)", "[q.append(b) for b in q]"),
    queue("while q:", "    q.pop(0)", "return (b for b in q)"),
    queue("while q:", "    q.pop(0)", "b, c = q"),
    queue("while q:", "    q.pop(0)", "q.extend(b for b in q)"),
    queue("while q:", "    q.pop(0)", "return enumerate(q)"),
    queue("while q:", "    q.pop(0)", "return locals()"),
    queue("while q:", "    q.pop(0)", "return q or 1"),
    queue("global q", "while q:", "    q.pop(0)"),
    queue("while q:", "    q.pop(0)", start="a", made="deque(a)"),
    queue("while q:", "    q.pop(0)", start="list(*a)", made="deque(*a)"),
    queue("while q:", "    q.pop(0)", start="sorted(a)", made="deque(a)"),
    queue("while q:", "    q.pop(0)", start="[a]", made="deque([a], 1)"),
    queue("while q:", "    q.pop(0)", start="[a]", made="deque([b])"),
    queue("while q:", "    q.pop(0)", start="b = [a]", made="b = deque([a])"),
    queue("while q:", "    q.pop(1)")._replace(after="import os\nfrom collections import deque\n\ndef f(a):\n    q = deque([a])\n    while q:\n        q.popleft()\n    \nos.sep\n"),
    Tried(QUEUE, "def f(a):\n    q = [a]\n    while q: q.pop(0)\n", "def f(a):\n    q = deque([a])\n    while q: q.popleft()\n"),
    Tried(QUEUE, "from m import deque\ndef f(a):\n    q = [a]\n    while q: q.pop(0)\n", "from m import deque\ndef f(a):\n    q = deque([a])\n    while q: q.popleft()\n"),
    Tried(QUEUE, "from collections import deque\ndef f(a):\n    q = [a]\n    while q: q.pop(0)\n", "from collections import deque\ndef f(a):\n    q = deque([a])\n    while q: q.pop(0)\n"),
    Tried(MEMBERSHIP, "x = a in [1, 2]\n", "x = a in {1, 2}\n"),
    Tried(MEMBERSHIP, "x = 1 in [1, 2]\n", "x = 1 in {1, 3}\n"),
    Tried(MEMBERSHIP, "x = 1 in [1, 2]\n", "x = 1 in {1, 2, 2}\n"),
    Tried(MEMBERSHIP, "x = 1 in [1, f()]\n", "x = 1 in {1, f()}\n"),
    Tried(MEMBERSHIP, "x = 1 in [1, [2]]\n", "x = 1 in {1, [2]}\n"),
    Tried(MEMBERSHIP, "x = 1 in []\n", "x = 1 in {}\n"),
    Tried(MEMBERSHIP, "x = [1, 2]\n", "x = {1, 2}\n"),
    Tried(MEMBERSHIP, "x = [1, 2] in a\n", "x = {1, 2} in a\n"),
    Tried(MEMBERSHIP, "x = [1, 2] == [1, 2]\n", "x = {1, 2} == [1, 2]\n"),
    Tried(MEMBERSHIP, "x = 1 in [1, 2] in y\n", "x = 1 in {1, 2} in y\n"),
    Tried(MEMBERSHIP, "import sys\nsys = f()\nx = sys.platform in [1, 2]\n", "import sys\nsys = f()\nx = sys.platform in {1, 2}\n"),
    Tried(MEMBERSHIP, "for c in 'ab':\n    c = g()\n    x = c in [1, 2]\n", "for c in 'ab':\n    c = g()\n    x = c in {1, 2}\n"),
    Tried(MEMBERSHIP, "def f(c):\n    [c for c in 'ab']\n    return c in [1, 2]\n", "def f(c):\n    [c for c in 'ab']\n    return c in {1, 2}\n"),
    Tried(MEMBERSHIP, "for c in 'ab': ...\nx = c in [1, 2]\n", "for c in 'ab': ...\nx = c in {1, 2}\n"),
    Tried(MEMBERSHIP, "str = f\nx = str(a) in [1, 2]\n", "str = f\nx = str(a) in {1, 2}\n"),
    Tried(CONSTANT, "_A = ['a', 'b']\ndef f(a): return a in _A\n", "_A = {'a', 'b'}\ndef f(a): return a in _A\n"),
    Tried(CONSTANT, "_A = ['a', 'b']\nx = 'a' in _A\nprint(_A)\n", "_A = {'a', 'b'}\nx = 'a' in _A\nprint(_A)\n"),
    Tried(CONSTANT, "_A = ['a', 'b']\nx = 'a' in _A\n_A += ['c']\n", "_A = {'a', 'b'}\nx = 'a' in _A\n_A += ['c']\n"),
    Tried(CONSTANT, "_A = ['a', 'b']\nx = 'a' in _A\nglobals()['_A']\n", "_A = {'a', 'b'}\nx = 'a' in _A\nglobals()['_A']\n"),
    Tried(CONSTANT, "A = ['a', 'b']\nx = 'a' in A\n", "A = {'a', 'b'}\nx = 'a' in A\n", (("n.py", "from m import A\n"),)),
    Tried(CONSTANT, "A = ['a', 'b']\n__all__ = ['A']\nx = 'a' in A\n", "A = {'a', 'b'}\n__all__ = ['A']\nx = 'a' in A\n"),
    Tried(CONSTANT, "class B:\n    A = ['a', 'b']\nx = 'a' in B.A\n", "class B:\n    A = {'a', 'b'}\nx = 'a' in B.A\n"),
    Tried(COPY, "x = 1 in list(y)\n", "x = 1 in y\n"),
    Tried(COPY, "x = 'a' in list('abc')\n", "x = 'a' in 'abc'\n"),
    Tried(COPY, "def f(a):\n    b = {}\n    return a in list(b)\n", "def f(a):\n    b = {}\n    return a in b\n"),
    Tried(COPY, "list = g\ndef f(a):\n    b = []\n    return a in list(b)\n", "list = g\ndef f(a):\n    b = []\n    return a in b\n"),
    Tried(COPY, "def f(a):\n    b = []\n    return a in list(b)\n", "def f(a):\n    b = []\n    return a in a\n"),
    Tried(COPY, "def f(a):\n    b = []\n    return list(b) in a\n", "def f(a):\n    b = []\n    return b in a\n"),
    Tried(COPY, "def f(a):\n    b = []\n    return [x in list(b) for b in a]\n", "def f(a):\n    b = []\n    return [x in b for b in a]\n"),
]
