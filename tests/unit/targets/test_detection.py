"""Detection of components, tests and requirements, which runs nothing of the target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.errors import Rejected
from shared.targets.components import Component, component_of
from shared.targets.config import TargetConfig, parse_config
from shared.targets.config_rendering import render_config
from shared.targets.hunks import apply_hunks
from shared.targets.patches import PatchKind, make_patch, parse_patch
from shared.targets.paths import is_protected
from shared.targets.profile import profile_target
from shared.targets.repository import RepositoryFacts
from tests.support.trees import FakeTree


def components(files, config=""):
    content = dict.fromkeys(files, "")
    if config:
        content["groundswell.toml"] = config
    found = profile_target(FakeTree(content)).components
    return {each.name: each.paths for each in found}


class TestComponents:
    def test_a_package_is_a_component(self):
        assert components(["pkg/__init__.py", "pkg/a.py"]) == {"pkg": ("/pkg/",)}

    def test_a_package_with_subpackages_is_split(self):
        files = ["p/__init__.py", "p/a/__init__.py", "p/b/__init__.py", "p/b/x.py"]
        assert components(files) == {"p": ("/p/*.py",), "p.a": ("/p/a/",), "p.b": ("/p/b/",)}

    def test_modules_of_a_src_layout_are_components(self):
        assert components(["src/one.py", "src/two.py", "docs/conf.py", "setup.py"]) == {
            "one": ("/src/one.py",),
            "two": ("/src/two.py",),
        }

    def test_tests_documentation_and_tools_are_not_components(self):
        files = ["pkg/__init__.py", "tests/__init__.py", "docs/conf.py", "examples/e.py"]
        assert set(components(files)) == {"pkg"}

    def test_a_folder_of_workflows_beside_the_code_is_a_component(self):
        workflow = '{"nodes": [], "connections": {}}'
        files = {
            **dict.fromkeys(("p/__init__.py", "p/a/__init__.py", "p/b/__init__.py"), ""),
            "n8n/orders.json": workflow,
            "p/a/mail.json": workflow,
            "data/prices.json": '{"nodes": 1}',
            "tests/flow.json": workflow,
        }
        found = {each.name: each.paths for each in profile_target(FakeTree(files)).components}
        assert found == {"n8n": ("/n8n/",), "p": ("/p/*.py",), "p.a": ("/p/a/",), "p.b": ("/p/b/",)}

    def test_codeowners_entries_are_components(self):
        files = {"a/x.py": "", "b/y.py": "", "CODEOWNERS": "* @all\n/a/ @ann # hers\nb/ @bob\n"}
        found = profile_target(FakeTree(files)).components
        assert {each.name: each.owners for each in found} == {"a": ("@ann",), "b": ("@bob",)}

    def test_groundswell_toml_replaces_what_is_detected(self):
        config = '[[component]]\nname = "mine"\npaths = ["/a/"]\n'
        assert components(["a/x.py", "b/y.py"], config) == {"mine": ("/a/",)}

    def test_the_last_pattern_that_covers_a_file_owns_it(self):
        config = (
            '[[component]]\nname = "all"\npaths = ["/a/"]\n'
            '[[component]]\nname = "part"\npaths = ["/a/b/"]\n'
        )
        tree = FakeTree({"a/x.py": "", "a/b/y.py": "", "groundswell.toml": config})
        found = profile_target(tree).components
        assert component_of("a/x.py", found) == "all"
        assert component_of("a/b/y.py", found) == "part"
        assert component_of("c.py", found) is None


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_a.py",
        "property_tests.py",
        "pkg/tests/data.txt",
        "pkg/test_a.py",
        "conftest.py",
        "pkg/conftest.py",
        "setup.py",
        "pyproject.toml",
        "requirements-dev.txt",
        "uv.lock",
        ".github/workflows/ci.yml",
        ".gitattributes",
        "groundswell.toml",
        "Makefile",
    ],
)
def test_what_decides_about_a_change_is_protected_from_it(path):
    assert is_protected(path, TargetConfig())


def test_more_can_be_protected_and_source_is_not():
    config = TargetConfig.model_validate({"policy": {"protected": ["/gen/"]}})
    assert is_protected("gen/x.py", config)
    assert not is_protected("pkg/gen.py", config)


class TestConfiguration:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[tests]\n", "tests is not a known key; did you mean test?"),
            ('[test]\ncomand = "x"\n', "test.comand is not a known key; did you mean command?"),
            ('[test]\ntimeout = "long"\n', "test.timeout"),
            ("[test]\ntimeout = -1\n", "test.timeout"),
            ("[[component]]\nname = 'a'\n", "component.0.paths"),
            (
                "[[component]]\nname='a'\npaths=['x']\nagent_types=['code_qualty']\n",
                "agent_types.code_qualty is not a registered agent type; did you mean",
            ),
            (
                "[[component]]\nname='a'\npaths=['x']\napproval='ask'\n",
                "component.0.approval: Input should be 'none' or 'required'",
            ),
            ("not toml", "is not valid TOML"),
            ("[a]\nb = " + "[" * 5000, "is not valid TOML"),
            ("[test]\ncommand = 'python -m \"pytest'\n", "test.command"),
            ("[test]\ncommand = 'x \\'\n", "No escaped character"),
            ('[bench]\ncommand = "it\'s"\n', "No closing quotation"),
            ("[policy]\nmax_files = 0\n", "policy.max_files"),
        ],
    )
    def test_an_error_names_the_key(self, text, said):
        with pytest.raises(Rejected, match=r"groundswell\.toml") as refusal:
            parse_config(text.encode())
        assert said in refusal.value.message

    def test_two_components_of_one_name_are_refused(self):
        one = "[[component]]\nname = 'a'\npaths = ['x']\n"
        with pytest.raises(Rejected, match="two components are called a"):
            parse_config((one + one).encode())

    def test_the_file_written_by_init_gives_the_detected_profile(self):
        pyproject = (
            "[project]\nrequires-python = '>=3.10'\ndependencies = ['attrs']\n"
            "[project.optional-dependencies]\ntest = ['hypothesis']\n"
        )
        files = {
            "src/pkg/__init__.py": "",
            "src/one.py": "",
            "tests/test_x.py": "",
            "pyproject.toml": pyproject,
        }
        was = profile_target(FakeTree(files))
        facts = RepositoryFacts(
            location="/x",
            name="x",
            head="h",
            base_branch="main",
            landing_branch="groundswell/main",
            root_commit="r",
        )
        written = render_config(was, facts)
        now = profile_target(FakeTree({**files, "groundswell.toml": written}))
        assert {(c.name, c.paths) for c in now.components} == {
            (c.name, c.paths) for c in was.components
        }
        same = {"command", "framework", "pythonpath", "test_files", "timeout"}
        assert now.test.model_dump(include=same) == was.test.model_dump(include=same)
        assert now.environment.installs == was.environment.installs == ("attrs", "hypothesis")
        assert now.environment.requires_python == ">=3.10"
        assert parse_config(written.encode()).target.base == "main"

    def test_what_is_said_of_a_component_is_written_by_init_as_it_is(self):
        said = (
            "[[component]]\nname = 'pay'\npaths = ['/pay/']\nowners = ['@ann']\n"
            "agent_types = ['code_quality']\napproval = 'required'\n"
        )
        tree = FakeTree({"pay/x.py": "", "groundswell.toml": said})
        facts = RepositoryFacts(
            location="/x",
            name="x",
            head="h",
            base_branch="main",
            landing_branch="groundswell/main",
            root_commit="r",
        )
        written = render_config(profile_target(tree), facts)
        assert parse_config(written.encode()).component == parse_config(said.encode()).component

    def test_no_name_in_the_repository_writes_a_line_of_it(self):
        nasty = 'a\n[test]\ncommand = "evil"\n#\x1b[2J\x7f\x9b\u202e'
        component = Component(name=nasty, paths=(nasty,), source="packages", reason=nasty)
        found = profile_target(FakeTree({"pkg/__init__.py": ""}))
        profile = found.model_copy(update={"components": (component,)})
        facts = RepositoryFacts(
            location="/x",
            name=nasty,
            head="h",
            base_branch=nasty,
            landing_branch="l",
            root_commit="r",
        )
        written = render_config(profile, facts)
        assert all(each.isprintable() for each in written.split("\n"))
        config = parse_config(written.encode())
        assert config.test.command != "evil"
        assert config.target.base == nasty
        assert [(each.name, each.paths) for each in config.component] == [(nasty, (nasty,))]


lines = st.lists(st.sampled_from(["a\n", "b\n", "\n", "é\n", "  x\n", "a\r\n"]), max_size=12)
texts = st.tuples(lines, st.sampled_from(["", "end", "b"])).map(lambda t: "".join(t[0]) + t[1])


@given(texts, texts)
def test_a_patch_read_back_gives_the_text_after(before, after):
    text = make_patch({"p.py": (before.encode(), after.encode())})
    if before == after:
        assert text == ""
        return
    [file] = parse_patch(text)
    assert (file.path, file.kind) == ("p.py", PatchKind.MODIFY)
    assert apply_hunks(before.encode(), file.hunks) == after.encode()


@given(texts.filter(bool))
def test_adding_and_deleting_read_back(content):
    [added] = parse_patch(make_patch({"p.py": (None, content.encode())}))
    assert added.kind is PatchKind.ADD
    assert apply_hunks(b"", added.hunks) == content.encode()
    [gone] = parse_patch(make_patch({"p.py": (content.encode(), None)}))
    assert gone.kind is PatchKind.DELETE
    assert apply_hunks(content.encode(), gone.hunks) == b""


def test_hunks_are_found_where_their_lines_have_moved_and_nowhere_else():
    before = "".join(f"{n}\n" for n in range(20))
    after = before.replace("10\n", "ten\n")
    [file] = parse_patch(make_patch({"p": (before.encode(), after.encode())}))
    moved = b"new\nnew\n" + before.encode()
    assert apply_hunks(moved, file.hunks) == b"new\nnew\n" + after.encode()
    assert apply_hunks(before.replace("9\n", "nine\n").encode(), file.hunks) is None


def test_binary_content_cannot_be_in_a_patch():
    with pytest.raises(Rejected, match="not UTF-8"):
        make_patch({"p": (b"\xff\n", b"\xfe\n")})
