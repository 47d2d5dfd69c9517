"""A text is split into sections that are parsed once, and is what they are together."""

import ast

import pytest

from shared.kernel import sections
from shared.kernel.sections import is_valid, parse_by_sections, same_program, split_sections
from shared.kernel.syntax import parse

MODULE = '''"""Words.

More words at the beginning of a line:
import nothing
"""
# a remark
import os


class A:
    """Words."""

    def f(self):
        x = 1
# a remark in the middle of a block
        return x


@decorated(
    os.name
)
@again
def g():
    return """
text
"""

if g:
    y = 1
elif A:
    y = 2
else:
    y = 3
try:
    z = [
1,
]
except ValueError: z = 1
finally:
    w = 1 \\
+ 2
a = 1; b = 2'''


CLASS = '''# remark
@decorated
class A(B, metaclass=C):  # remark
    """Words."""
    a = 1; b = 2
    # remark

    @property
    def f(self):
        return """
text
"""
# remark
    if a:
        c = 3
    else:
        c = 4
    d = 5 \\
+ 6

    class D:
        e = 7
        def g(self): pass
\t# remark
class E: f = 8
class F(
    A
):
\tg = 9
\tdef h(self):
\t\treturn 10
x = 11
'''


def dumped(tree):
    return ast.dump(tree, include_attributes=True)


@pytest.mark.parametrize(
    "text", ["", "\n", "# only\n", "x = 1\r\nif x:\r\n    y\r\n", "x\ry\nz", MODULE, CLASS]
)
def test_the_sections_of_a_text_are_parsed_as_the_text_is(text):
    assert "".join(each.text for each in split_sections(text)) == text
    assert is_valid(text)
    assert dumped(parse_by_sections(text)) == dumped(parse(text))


def test_a_section_is_a_complete_statement_with_what_follows_it():
    found = split_sections("# a\nimport os\n# b\n\n@c\ndef d(): pass\nif e:\n    f\nelse:\n    g\n")
    assert found == (
        ("# a\nimport os\n# b\n\n", False),
        ("@c\ndef d(): pass\n", False),
        ("if e:\n    f\nelse:\n    g\n", False),
    )


def test_a_class_has_its_first_statement_in_one_section_and_each_other_in_its_own():
    found = split_sections(
        "class A:\n    a = 1; b = 2\n\n    @c\n    def d(self): pass\n# e\n    f\ng\n"
    )
    assert found == (
        ("class A:\n    a = 1; b = 2\n\n", False),
        ("    @c\n    def d(self): pass\n# e\n", True),
        ("    f\n", True),
        ("g\n", False),
    )


@pytest.mark.parametrize(
    "bad",
    [
        "class A:\n    x\n  y\n",
        "class A:\n    x\n    y = (\n",
        "def f(:\n",
        "x = '''\n",
        "    x\n",
        "else:\n    x\n",
        "\0\n",
    ],
)
def test_what_is_invalid_is_so_with_what_is_around_it(bad):
    text = f"import os\n{bad}y = 1\n"
    assert not is_valid(text)
    assert "".join(each.text for each in split_sections(text)) == text
    with pytest.raises((SyntaxError, ValueError)) as expected:
        parse(text)
    with pytest.raises(type(expected.value)) as found:
        parse_by_sections(text)
    assert str(found.value) == str(expected.value)


def test_a_text_is_valid_for_the_pythons_that_have_its_syntax():
    text = "import os\nif (x := os.name):\n    y = x\n"
    assert is_valid(text, (3, 8))
    assert not is_valid(text, (3, 7))


def test_programs_are_the_same_whatever_their_layout():
    one = "import os\nx = [1,\n     2]\ndef f(): return 1\n"
    assert same_program(one, "import os; x = [1, 2]\n\n\n# remark\ndef f():\n    return 1\n")
    assert not same_program(one, one.replace("2", "3"))
    assert not same_program(one, one.replace("2", "2.0"))
    assert not same_program(one, one + "y\n")
    of_class = "class A(B):\n    a = 1\n    def b(self): return 1\n"
    assert same_program(of_class, "class A(\n    B\n):\n  a = 1\n  def b(self):\n      return 1\n")
    assert not same_program(of_class, of_class.replace("return 1", "return 2"))
    assert not same_program(of_class, of_class.replace("B", "C"))
    assert not same_program(of_class, of_class.replace("    def", "def"))
    assert not same_program("f(\n", "f( \n")


def test_only_the_section_that_changed_is_parsed_again(monkeypatch):
    members = "".join(f"    def f{n}(self):\n        return {n}\n\n" for n in range(9))
    first = f"import os\n\n\nclass A:\n    x = 1\n\n{members}def g():\n    pass\n"
    parse_by_sections(first)
    asked = []
    monkeypatch.setattr(sections, "parse", lambda *given: asked.append(given[0]) or parse(*given))
    second = first.replace("return 7\n", "return 'seven'\n")
    tree = parse_by_sections(second)
    changed = f"{sections.BLOCK}    def f7(self):\n        return 'seven'\n\n"
    of_class = [each for each in asked if each.startswith("class A:")]
    assert [each.lstrip("\n") for each in asked if each not in of_class] == [changed]
    assert len(of_class) == 1, "to divide it"
    assert dumped(tree) == dumped(parse(second))
    # What is known of one text is not taken for another one.
    assert dumped(parse_by_sections(first)) == dumped(parse(first))


def test_equal_sections_of_one_text_are_not_one_and_the_same():
    tree = parse_by_sections("f(x)\nf(x)\n")
    assert tree.body[0] is not tree.body[1]
    assert [each.lineno for each in tree.body] == [1, 2]
