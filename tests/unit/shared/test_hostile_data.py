"""What others wrote is read within bounds, and a bad document is an error of its own reader."""

import asyncio
import sys
import threading
import time

import pytest

from shared.detectors.processes import run_tool
from shared.kernel.cancellation import Cancelled, cancellable, check_cancelled
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.json_data import MAX_DEPTH, read_json
from shared.kernel.syntax import parse, parse_expression
from shared.kernel.toml_data import read_toml_text
from shared.messaging.consumers import parse_json
from shared.targets.home import default_home
from shared.targets.repository import inspect_repository

DEPTHS = [MAX_DEPTH + 1, 900, 5_000, 200_000]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_refused_like_any_that_is_wrong(depth, opening, closing):
    body = (opening * depth + "1" + closing * depth).encode()
    with pytest.raises(ValueError, match="levels deep"):
        read_json(body)
    with pytest.raises(ValueError, match=r"levels deep|recursion"):
        read_json(b'{"wave_id": ' + body + b"}")
    with pytest.raises(Rejected, match="is not JSON"):
        parse_json(body)


@pytest.mark.parametrize("body", [b"NaN", b'{"a": -Infinity}', b"1" * 5000, b"\xff", b"", b"{"])
def test_what_is_no_json_is_refused(body):
    with pytest.raises(ValueError, match=r"."):
        read_json(body)


def test_honest_json_is_read():
    body = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert str(read_json(body)) == body
    wide = [{"a": [[]]}] * 1000
    assert read_json(str(wide).replace("'", '"')) == wide
    assert read_json('"[[[[' + "[" * 900 + '"') == "[[[[" + "[" * 900


@pytest.mark.parametrize("depth", [MAX_DEPTH, 900, 20_000])
def test_deep_toml_is_refused(depth):
    for text in ("a = " + "[" * depth + "]" * depth, "[" + "a." * depth + "a]"):
        with pytest.raises(ValueError, match=r"levels deep"):
            read_toml_text(text.encode())


@pytest.mark.parametrize(
    "source",
    ["x = " + "-" * 50_000 + "1", "x = a" + ".b" * 50_000, "x = " + "1+" * 50_000 + "1"],
    ids=["unary", "attributes", "sum"],
)
def test_deep_source_is_refused_like_any_that_is_wrong(source):
    for read in (parse, lambda text: parse_expression(text.removeprefix("x = "))):
        with pytest.raises((SyntaxError, ValueError)):
            read(source)


def test_a_user_whom_nobody_knows_is_named(monkeypatch):
    with pytest.raises(NotFound, match="~nobody-of-that-name/x names a user"):
        inspect_repository("~nobody-of-that-name/x")
    monkeypatch.setenv("GROUNDSWELL_HOME", "~nobody-of-that-name/x")
    with pytest.raises(Rejected, match="~nobody-of-that-name/x names a user"):
        default_home()


def run(code, **more):
    return run_tool([sys.executable, "-c", code], cwd="/", env={}, **more)


def test_a_tool_is_run_to_its_end():
    done = run("import sys; print('x' * 1_000_000); sys.exit(3)")
    assert (done.returncode, len(done.stdout)) == (3, 1_000_001)


def test_a_tool_that_takes_too_long_is_stopped():
    started = time.monotonic()
    with pytest.raises(Rejected, match="took more than"):
        run("import time; time.sleep(60)", timeout=0.3)
    assert time.monotonic() - started < 20


def test_a_tool_that_prints_too_much_or_needs_too_much_memory_is_stopped(tmp_path):
    endless = "while True: print('x' * 100_000)"
    with pytest.raises(Rejected, match="printed more than 1,000 bytes"):
        run(endless, output=tmp_path / "out", max_output_bytes=1000)
    done = run("import time; time.sleep(0.2); 'x' * (1 << 31)", max_memory_bytes=1 << 30)
    assert b"MemoryError" in done.stderr


async def test_a_tool_in_a_thread_ends_with_the_work_that_waits_for_it():
    ended = threading.Event()

    def work():
        try:
            run("import time; time.sleep(60)")
        except Cancelled:
            ended.set()
            raise

    with cancellable() as cancellation:
        waiting = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.sleep(0.3)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            await waiting
    assert ended.is_set()
    check_cancelled()  # what comes after is not cancelled


def test_analysis_ends_at_the_next_file():
    with cancellable() as cancellation:
        parse("x = 1")
        cancellation.cancel()
        with pytest.raises(Cancelled):
            parse("x = 1")
    parse("x = 1")
