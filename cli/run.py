"""`groundswell run`: runs one wave on a repository, follows it to its end, and shows its report."""

import asyncio

from cli.client import ApiClient
from cli.console import print_data
from cli.execute import FAILED, WRONG_USE
from cli.progress import Progress
from cli.report import show_report
from cli.session import connect
from cli.text import count, err, out, warn
from shared.contracts.commands import StartWave
from shared.contracts.events import WaveFinished
from shared.contracts.report import WaveReport
from shared.contracts.states import WAVE
from shared.kernel.errors import Conflict, GroundswellError, NotFound
from shared.kernel.ids import short_id, uuid7
from shared.targets.repository import inspect_repository

STOP_TIMEOUT_SECONDS = 10.0
MAX_RESUMABLE_WAVES = 100
# Failures that the user has to resolve first; nothing broke.
USER_ERRORS = frozenset({"landing_checked_out", "no_sandbox"})


async def run_wave(command: StartWave, *, as_json: bool) -> int:
    """Run a wave, show its report, and return the exit code for that."""
    # A repository that cannot be improved is reported before a stack is started for it.
    facts = await asyncio.to_thread(inspect_repository, command.target or ".", base=command.base)
    named = command.model_copy(update={"target": facts.location, "wave_id": uuid7()})
    with Progress(err if as_json else out) as progress:
        progress.print_line(f"{facts.name} at {facts.head[:10]} ({facts.base_branch})")
        progress.set_activity("starting the stack")
        async with connect() as client:
            report = await _follow(named, client, progress)
    if as_json:
        print_data(report)
    else:
        show_report(report, out)
    return exit_code(report)


def exit_code(report: WaveReport) -> int:
    """Return 0 for a wave that was completed, whatever landed, 1 if it failed or was stopped.

    A failure whose cause the user has to resolve is 2, as wrong use is.
    """
    if report.failure is not None and report.failure.code in USER_ERRORS:
        return WRONG_USE
    return 0 if report.state == "completed" else FAILED


async def _follow(command: StartWave, client: ApiClient, progress: Progress) -> WaveReport:
    """Start a wave or resume it, show it until it ends, and return its report.

    An interrupt stops the wave.
    """
    wave = command.wave_id or ""
    try:
        progress.set_activity("reading the repository")
        wave, after = await _start_or_resume(command, client, progress)
        progress.set_activity("preparing the test environment")
        async for event in client.events(after=after, wave=wave):
            progress.show_event(event)
            if isinstance(event, WaveFinished):
                break
    except asyncio.CancelledError:
        await _stop(wave, client)
        raise
    return await client.report(wave)


async def _start_or_resume(
    command: StartWave, client: ApiClient, progress: Progress
) -> tuple[str, int]:
    """Start a wave or resume ours; return its id and the number before its events.

    Only this command uses a stack of our own: a wave that is still open there was interrupted.
    Raises `Conflict` where the open wave is another's.
    """
    try:
        opened = await client.start_wave(command)
    except Conflict as error:
        open_wave = await _open_wave(command, client) if error.code == "wave_open" else None
        if open_wave is None:
            raise
        progress.print_line(f"resuming wave {short_id(open_wave)}, which was interrupted")
        return open_wave, 0
    wave = short_id(opened.wave_id)
    progress.print_line(f"wave {wave}; changes land on branch {opened.landing_branch}")
    for note in opened.notes:
        progress.print_line(note)
    return opened.wave_id, opened.events_after


async def _open_wave(command: StartWave, client: ApiClient) -> str | None:
    """Return the id of the open wave on this repository, if the stack is ours; else None."""
    if not client.ours:
        return None
    for wave in await client.waves(MAX_RESUMABLE_WAVES):
        if not WAVE.terminal(wave.state) and wave.location == command.target:
            return wave.id
    return None


async def _stop(wave: str, client: ApiClient) -> None:
    """Stop the wave after an interrupt; warn what has landed, or that it was not stopped."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
            await client.stop_wave(wave, "interrupted")
            report = await client.report(wave)
    except NotFound:
        warn("Interrupted before the wave was started.")
    except (GroundswellError, TimeoutError) as error:
        warn(f"Interrupted; the wave could not be stopped in time ({error or 'no answer'}).")
    else:
        landed = count(len(report.landed), "change") if report.landed else "nothing"
        had = "has" if len(report.landed) == 1 or not report.landed else "have"
        warn(f"Interrupted: the wave is stopped; {landed} {had} landed.")
