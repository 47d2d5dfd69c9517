"""What a run of the gate means, in words."""

from services.validator.decision.evidence import Broken, Evidence, Seen, Unbuildable, Wanted


def meaning(wanted: Wanted, seen: Evidence, asked: int) -> str:
    """One sentence on a run of `asked` tests that was read: who was in it, what it saw, what follows."""
    count = len(wanted.run.changes)
    with_ = f" with {_changes(count)}" if count else ""
    return f"{wanted.purpose}{with_}: {_seen(wanted, seen, asked)}"


def _seen(wanted: Wanted, seen: Evidence, asked: int) -> str:
    count = len(wanted.run.changes)
    if isinstance(seen, Unbuildable):
        return f"{'they do' if count > 1 else 'it does'} not apply without others"
    if isinstance(seen, Broken):
        return f"no report, so nobody is blamed ({seen.reason})"
    figures = f"{asked} test{'s' * (asked != 1)}, {len(seen.worse)} worse"
    follows = _follows(wanted, seen, count)
    return f"{figures}: {follows}" if follows else figures


def _follows(wanted: Wanted, seen: Seen, count: int) -> str:
    worse = len(seen.worse)
    if not count:
        return f"{worse} fail there too" if worse else "they pass there"
    if not worse:
        if wanted.purpose == "confirmation":
            return "they passed this time"
        if not wanted.run.tests:
            return ""
        return f"cleared {count}"
    if wanted.purpose == "confirmation":
        return "they failed again"
    return "it is accused" if count == 1 else f"it is among {count}"


def _changes(count: int) -> str:
    return f"{count} change{'s' * (count > 1)}"
