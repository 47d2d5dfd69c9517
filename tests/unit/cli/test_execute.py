"""An error of ours becomes a sentence and an exit code, wherever in a command it is raised."""

import pytest

from cli.execute import execute, reported_errors
from cli.waves import start_command
from shared.contracts.base import WaveSize
from shared.kernel.errors import NotFound, Rejected, Transient


@pytest.mark.parametrize(
    ("error", "code"), [(Rejected("No."), 2), (NotFound("No."), 2), (Transient("No."), 1)]
)
def test_an_error_is_printed_and_decides_the_exit_code(error, code, capsys):
    async def work():
        raise error

    with pytest.raises(SystemExit) as executed:
        execute(work())
    with pytest.raises(SystemExit) as reported, reported_errors():
        raise error
    assert executed.value.code == reported.value.code == code
    assert capsys.readouterr().err.count("error: No.") == 2


def test_an_unknown_focus_is_wrong_use_that_names_the_nearest():
    with pytest.raises(Rejected, match="Did you mean code_quality") as refused:
        start_command(
            ".",
            size=WaveSize.SMALL,
            focus="code_qualty",
            components="",
            base="",
            dry_run=False,
        )
    assert "code_quality" in refused.value.hint
