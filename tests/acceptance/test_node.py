"""A Node package, with its own tests and its own linter, from run to landed change."""

import json
import shutil

import pytest

from tests.support.repositories import a_repository, git

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
PACKAGE = {
    "name": "t",
    "version": "1.0.0",
    "scripts": {"test": "node --test", "lint": "node scripts/lint.js"},
}
LINT = """
const fs = require("node:fs");
let bad = 0;
for (const name of fs.readdirSync("src")) {
  const file = `src/${name}`, text = fs.readFileSync(file, "utf8");
  const fixed = text.replace(/\\bvar /g, "const ").replace(/([^=!])==([^=])/g, "$1===$2");
  if (fixed === text) continue;
  if (process.argv.includes("--fix")) fs.writeFileSync(file, fixed);
  else { bad++; console.error(file); }
}
process.exit(bad ? 1 : 0);
"""
TESTS = """
const { test, describe, it } = require("node:test");
const assert = require("node:assert");
const { add } = require("../src/add.js");
const { isNothing } = require("../src/nothing.js");
test("adds", () => assert.equal(add(1, 2), 3));
describe("nothing", () => {
  it("is null", () => assert.ok(isNothing(null)));
  it("is undefined", () => assert.ok(isNothing(undefined)));
});
"""
ADD = "exports.add = function (a, b) {\n  var sum = a + b;\n  return sum;\n};\n"
NOTHING = "exports.isNothing = function (x) {\n  return x == null;\n};\n"


def a_package(path, *, nothing):
    return a_repository(
        path,
        **{
            "package.json": json.dumps(PACKAGE),
            "scripts/lint.js": LINT,
            "src/add.js": ADD,
            "src/nothing.js": nothing,
            "test/all.test.js": TESTS,
        },
    )


def test_what_its_own_linter_repairs_lands(up, tmp_path):
    target = a_package(
        tmp_path / "target", nothing=NOTHING.replace("== null", "=== null || x === undefined")
    )
    report = up.json("run", str(target))
    [landed] = report["landed"]
    assert landed["title"] == "style(src): apply the project's own lint fixes"
    assert landed["files"] == ["src/add.js"]
    assert report["baseline"]["tests"] == report["baseline"]["passed"] == 3
    assert "const sum" in git(target, "show", "groundswell/main:src/add.js")
    assert git(target, "diff", "--name-only", "main", "groundswell/main") == "src/add.js"
    assert up.json("run", str(target))["landed"] == []


def test_what_its_own_linter_breaks_is_refused_and_the_test_is_named(up, tmp_path):
    target = a_package(tmp_path / "target", nothing=NOTHING)
    report = up.json("run", str(target))
    [refused] = report["rejected"]
    assert refused["tests"] == ["nothing > is undefined"]
    assert "src/nothing.js" in refused["files"]
    assert git(target, "branch", "--list", "groundswell/main") == ""
