"""What `groundswell why` shows."""

from cli import why
from shared.contracts.views import TaskReason
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_candidate


def test_the_sentences_come_first_and_then_all_candidates_in_the_order_of_choice(capsys):
    reason = TaskReason(
        task_id=uuid7(),
        wave_id=uuid7(),
        sentences=("Choice 2 of its wave.",),
        chosen=a_candidate(component="second", turn=2),
        others=(a_candidate(component="third"), a_candidate(component="first", turn=1)),
        left_out=4,
        at=NOW,
    )
    why.show_reason(reason)
    shown = capsys.readouterr().out
    places = [shown.index(each) for each in ("Choice 2", "first", "second", "third", "4 more")]
    assert places == sorted(places)
