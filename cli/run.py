"""`groundswell run`: a wave on a repository, followed to its end, and its report."""

import asyncio

from cli.client import Api
from cli.progress import Progress
from cli.report import show_report
from cli.session import api
from cli.text import err, out, short, warn
from shared.contracts.commands import StartWave
from shared.contracts.events import WaveFinished
from shared.contracts.report import WaveReport
from shared.contracts.states import WAVE
from shared.kernel.errors import Conflict, GroundswellError, NotFound
from shared.kernel.ids import uuid7
from shared.targets.repository import inspect_repository

# A wave that is told to stop while we are told to end gets this long.
PATIENCE = 10.0
# Nothing broke; something is to be done first.
FOR_THE_USER = {"landing_checked_out", "no_sandbox"}


async def run_wave(command: StartWave, *, as_json: bool) -> int:
    """Run a wave; the exit code."""
    # What is wrong with the repository is said at once, before anything is started for it.
    facts = await asyncio.to_thread(inspect_repository, command.target or ".", base=command.base)
    asked = command.model_copy(update={"target": facts.location, "wave_id": uuid7()})
    with Progress(err if as_json else out) as progress:
        progress.say(f"{facts.name} at {facts.head[:10]} ({facts.base_branch})")
        progress.doing("bringing the stack up")
        async with api() as talker:
            report = await _follow(asked, talker, progress)
    if as_json:
        print(report.model_dump_json(indent=1))  # noqa: T201 - data for another program
    else:
        show_report(report, out)
    if report.failure is not None and report.failure.code in FOR_THE_USER:
        return 2
    return 1 if report.state == "failed" else 0


async def _follow(command: StartWave, talker: Api, progress: Progress) -> WaveReport:
    wave = command.wave_id or ""
    try:
        progress.doing("looking at the repository")
        wave, after = await _open(command, talker, progress)
        progress.doing("preparing the test environment")
        async for event in talker.events(after=after, wave=wave):
            progress.tell(event)
            if isinstance(event, WaveFinished):
                break
    except asyncio.CancelledError:
        await _stop(wave, talker)
        raise
    return await talker.report(wave)


async def _open(command: StartWave, talker: Api, progress: Progress) -> tuple[str, int]:
    """Start a wave; its id, and the event after which its events come.

    On a stack of our own nobody else can be at work: an open wave there is one that was cut off.
    """
    try:
        opened = await talker.start_wave(command)
    except Conflict as error:
        left = await _left_over(command, talker) if error.code == "wave_open" else None
        if left is None:
            raise
        progress.say(f"an earlier run was cut off; going on with its wave {short(left)}")
        return left, 0
    progress.say(f"wave {short(opened.wave_id)}; what lands goes on {opened.landing_branch}")
    for note in opened.notes:
        progress.say(note)
    return opened.wave_id, opened.events_after


async def _left_over(command: StartWave, talker: Api) -> str | None:
    """The open wave on this repository, if the stack is ours."""
    if not talker.ours:
        return None
    for wave in await talker.waves(100):
        if not WAVE.terminal(wave.state):
            report = await talker.report(wave.id)
            if report.location == command.target:
                return wave.id
    return None


async def _stop(wave: str, talker: Api) -> None:
    """Interrupted: nothing more starts or lands, and the person is told what has."""
    try:
        async with asyncio.timeout(PATIENCE):
            await talker.stop_wave(wave, "interrupted")
            report = await talker.report(wave)
    except (GroundswellError, TimeoutError) as error:
        if isinstance(error, NotFound):
            warn("Interrupted before the wave had begun.")
            return
        warn(f"Interrupted; the wave could not be stopped in time ({error or 'no answer'}).")
        return
    landed = f"{len(report.landed)} changes had landed" if report.landed else "nothing had landed"
    warn(f"Interrupted: the wave is stopped; {landed}.")
