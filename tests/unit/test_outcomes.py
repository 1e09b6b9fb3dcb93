"""Waiting for outcomes: each reaches its own attempt once; a missing one tells that the projector lags."""

import pytest

from command_api import outcomes as module
from command_api.outcomes import FORGET_LATE, Outcome, Outcomes, rows_of
from shared.rank_changes import BoardLines, OutcomeLine, RankChanges, RankLine


class Clock:
    """A monotonic clock that a test sets."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def changes(*attempts: str) -> RankChanges:
    lines = [OutcomeLine(attempt, "applied", None, "ann", "event", 0, n, None) for n, attempt in enumerate(attempts)]
    rows = [RankLine("bob", 1, 1, 9, None), RankLine("ann", 3, 2, 5, None)]
    boards = [
        BoardLines(board_id="other", season="all", total=2, rows=[RankLine("ann", 8, 8, 1, None)]),
        BoardLines(board_id="classic", season="all", total=2, rows=rows),
    ]
    return RankChanges(incarnation="0" * 16, outcomes=lines, boards=boards)


async def test_an_outcome_reaches_its_own_attempt_and_no_other() -> None:
    waiting = Outcomes()
    one, two = waiting.expect("one"), waiting.expect("two")
    waiting.receive(changes("stranger", "two"))
    assert not one.done()
    assert two.result().line.offset == 1


async def test_a_second_outcome_of_an_attempt_changes_nothing() -> None:
    waiting = Outcomes()
    future = waiting.expect("one")
    waiting.receive(changes("one"))
    waiting.receive(changes("stranger", "one"))
    assert future.result().line.offset == 0


async def test_an_attempt_that_was_cancelled_or_forgotten_gets_no_outcome() -> None:
    waiting = Outcomes()
    cancelled, forgotten = waiting.expect("cancelled"), waiting.expect("forgotten")
    cancelled.cancel()
    waiting.forget("forgotten")
    waiting.receive(changes("cancelled", "forgotten"))
    assert cancelled.cancelled()
    assert not forgotten.done()


async def test_places_are_free_again_after_an_outcome_and_after_forgetting() -> None:
    waiting = Outcomes(limit=2)
    waiting.expect("one")
    assert not waiting.full
    waiting.expect("two")
    assert waiting.full
    waiting.receive(changes("one"))
    assert not waiting.full
    waiting.expect("three")
    waiting.forget("two")
    assert not waiting.full


def test_the_row_is_the_players_own_on_the_board_asked_for() -> None:
    outcome = Outcome(changes("one").outcomes[0], rows_of(changes("one")))
    assert outcome.row("classic", "all") == RankLine("ann", 3, 2, 5, None)
    assert outcome.row("classic", "2026") is None
    assert outcome.row("sprint", "all") is None
    stranger = Outcome(outcome.line._replace(player_id="cyd"), outcome.rows)
    assert stranger.row("classic", "all") is None


async def test_only_the_outcome_that_was_missed_ends_the_lag(clock: Clock) -> None:
    waiting = Outcomes()
    waiting.expect("slow")
    waiting.forget("slow", late=True)
    waiting.forget("slower", late=True)
    waiting.receive(changes("slower", "other"))
    assert waiting.late
    waiting.receive(changes("slow"))
    assert not waiting.late


async def test_forgetting_in_time_is_no_sign_of_a_lag(clock: Clock) -> None:
    waiting = Outcomes()
    waiting.expect("one")
    waiting.forget("one")
    assert not waiting.late


async def test_a_lag_whose_outcome_never_comes_is_forgotten(clock: Clock) -> None:
    waiting = Outcomes()
    waiting.forget("lost", late=True)
    clock.now += FORGET_LATE
    assert waiting.late
    clock.now += 0.1
    assert not waiting.late
    waiting.forget("lost too", late=True)
    assert waiting.late


async def test_a_projector_that_begins_anew_ends_the_lag(clock: Clock) -> None:
    waiting = Outcomes()
    waiting.expect("lost")
    waiting.forget("lost", late=True)
    waiting.receive(changes("other"))
    assert waiting.late
    waiting.receive(changes("other").model_copy(update={"resync": True}))
    assert not waiting.late
