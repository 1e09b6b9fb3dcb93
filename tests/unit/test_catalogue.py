"""The catalogue: the first command wins, a verdict stays, and what past offsets knew is never rewritten."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.boards import FIXED, LAST_CALL, Board
from shared.catalogue import MOST_BOARDS, MOST_FED, Catalogue, Refused, Revision, Verdict, fold_catalogue
from shared.events import BoardDefined, BoardRetired, BoardRevised, Fact, PlayerRegistered, RecordVoided
from shared.records import Record
from tests.builders import NOW, fact_bytes

HOUR = 3_600_000


def board(board_id: str = "classic", **fields: Any) -> Board:
    return Board.model_validate(
        {"board_id": board_id, "title": "T", "game_modes": ("classic",), "operator": "sum", "order": "desc"} | fields
    )


def define(board_id: str = "classic", **fields: Any) -> BoardDefined:
    return BoardDefined(board=board(board_id, **fields))


def revise(expected: int, board_id: str = "classic", **fields: Any) -> BoardRevised:
    return BoardRevised(board=board(board_id, **fields), expected_revision=expected)


def retire(expected: int, board_id: str = "classic") -> BoardRetired:
    return BoardRetired(board_id=board_id, expected_revision=expected)


def records(*facts: Fact | tuple[str, Fact]) -> list[Record]:
    """A boards topic from offset 1 on: facts, or (idempotency key, fact), an hour after NOW and a millisecond apart."""
    keyed = [fact if isinstance(fact, tuple) else (f"key-{n}", fact) for n, fact in enumerate(facts, 1)]
    return [
        Record(0, n, NOW + HOUR + n, b"board", fact_bytes(fact, key, subject="boards"))
        for n, (key, fact) in enumerate(keyed, 1)
    ]


def fold(*facts: Fact | tuple[str, Fact]) -> Catalogue:
    return fold_catalogue(Catalogue(), records(*facts))


def verdicts(*facts: Fact | tuple[str, Fact]) -> list[tuple[str | None, str]]:
    """The reason and the field of each command's verdict, in order."""
    return [(each.reason, each.field) for each in fold(*facts).verdicts.values()]


def test_a_board_is_defined_revised_and_retired() -> None:
    folded = fold(define(), revise(1, title="New"), retire(2))
    assert [(each.offset, each.board.revision, each.board.title, each.retired) for each in folded.revisions] == [
        (1, 1, "T", False),
        (2, 2, "New", False),
        (3, 3, "New", True),
    ]
    assert list(folded.verdicts.values()) == [Verdict(None)] * 3
    assert folded.newest == 3


def test_the_catalogue_counts_revisions_whatever_a_definition_says() -> None:
    folded = fold(define(revision=7), revise(1, revision=40))
    assert [each.board.revision for each in folded.revisions] == [1, 2]


def test_the_first_of_two_commands_of_one_revision_wins() -> None:
    folded = fold(define(), revise(1, title="First"), revise(1, title="Second"), retire(1))
    assert folded.boards() == (board(title="First", revision=2),)
    assert [each.reason for each in folded.verdicts.values()] == [None, None, "revision", "revision"]
    assert list(folded.verdicts.values())[2] == Verdict("revision", "expected_revision", "2, the present revision")


def test_the_first_definition_of_an_id_wins_also_over_a_retired_one() -> None:
    assert verdicts(define(), define(title="Other")) == [(None, ""), ("exists", "board_id")]
    assert verdicts(define(), retire(1), define()) == [(None, ""), (None, ""), ("exists", "board_id")]


@pytest.mark.parametrize("command", [revise(2), retire(2)])
def test_a_retired_board_stays_as_it_is(command: Fact) -> None:
    assert verdicts(define(), retire(1), command)[-1] == ("retired", "board_id")


@pytest.mark.parametrize("command", [revise(1, "other"), retire(1, "other")])
def test_a_board_that_was_never_defined_is_unknown(command: Fact) -> None:
    folded = fold(define(), command)
    assert list(folded.verdicts.values())[-1] == Verdict("unknown_board", "board_id", "one of: classic")
    assert len(folded.revisions) == 1


def test_a_retry_keeps_the_first_verdict_and_changes_nothing() -> None:
    once = fold(define(), ("a", revise(1, title="New")), ("b", revise(1, title="Late")))
    again = fold(
        define(),
        ("a", revise(1, title="New")),
        ("b", revise(1, title="Late")),
        ("a", revise(1, title="New")),
        ("b", revise(2, title="Late")),
    )
    assert again.revisions == once.revisions
    assert again.verdicts == once.verdicts
    assert again.newest == 5


OTHER: dict[str, Any] = {
    "operator": "best",
    "order": "asc",
    "ties": "dense",
    "reset": "daily",
    "cron": "0 19 * * *",
    "timezone": "Europe/Berlin",
    "where": {"player.country": ("DE",)},
}


@pytest.mark.parametrize("field", FIXED)
def test_what_is_fixed_is_refused_with_its_field(field: str) -> None:
    base: dict[str, Any] = {"reset": "cron", "cron": "0 18 * * *"} if field == "cron" else {}
    folded = fold(define(**base), revise(1, **base | {field: OTHER[field]}))
    verdict = list(folded.verdicts.values())[-1]
    assert (verdict.reason, verdict.field) == ("fixed", field)
    assert "define a new board" in verdict.expected
    assert len(folded.revisions) == 1


def test_what_is_not_fixed_may_be_revised() -> None:
    changed: dict[str, Any] = {
        "title": "Other",
        "game_modes": ("sprint", "classic"),
        "minimum": 5,
        "maximum": 50,
        "max_attempts": 3,
        "metadata_keys": ("level",),
    }
    assert fold(define(), revise(1, **changed)).boards() == (board(**changed, revision=2),)


CLOCK = NOW + HOUR + 2
"""When the second record of a test is folded."""


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (CLOCK + 1, CLOCK + 2, True),
        (CLOCK + 1, CLOCK, False),
        (CLOCK, CLOCK + 1, False),
        (CLOCK, CLOCK, True),
        (CLOCK + 1, None, False),
        (None, CLOCK + 1, False),
        (CLOCK - 5, None, False),
        (None, None, True),
    ],
)
def test_a_start_is_moved_only_before_it_and_into_the_future(old: int | None, new: int | None, allowed: bool) -> None:
    expected = (None, "") if allowed else ("fixed", "starts_at")
    assert verdicts(define(starts_at=old), revise(1, starts_at=new))[-1] == expected


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (None, CLOCK + LAST_CALL, True),
        (None, CLOCK + LAST_CALL - 1, False),
        (CLOCK + LAST_CALL, None, True),
        (CLOCK + LAST_CALL - 1, None, False),
        (CLOCK + LAST_CALL, CLOCK + LAST_CALL + 1, True),
        (CLOCK + LAST_CALL - 1, CLOCK + 2 * LAST_CALL, False),
        (CLOCK - 5, CLOCK + 2 * LAST_CALL, False),
        (CLOCK - 5, CLOCK - 5, True),
    ],
)
def test_an_end_is_moved_until_a_minute_before_it(old: int | None, new: int | None, allowed: bool) -> None:
    expected = (None, "") if allowed else ("fixed", "ends_at")
    assert verdicts(define(ends_at=old), revise(1, ends_at=new))[-1] == expected


def test_what_a_mode_fed_at_an_offset_is_not_changed_by_later_revisions() -> None:
    facts = (define("a"), define("b"), revise(1, "a", game_modes=("sprint",)), define("classic"), retire(1, "b"))
    wanted = [[], ["a"], ["a", "b"], ["b"], ["classic", "b"], ["classic"]]
    for until in range(len(facts) + 1):
        folded = fold(*facts[:until])
        for at in range(until + 1):
            assert [each.board_id for each in folded.feeding(at, "classic")] == wanted[at]
    folded = fold(*facts)
    assert [each.board_id for each in folded.feeding(2, "sprint")] == []
    assert [each.board_id for each in folded.feeding(3, "sprint")] == ["a"]
    assert [each.board_id for each in folded.boards(2)] == ["a", "b"]
    assert folded.game_modes() == ["classic", "sprint"]


def test_the_board_of_a_mode() -> None:
    folded = fold(define("a"), define("classic"), define("old", game_modes=("old",)), retire(1, "old"))
    primaries = [folded.primary(mode) for mode in ("classic", "old", "none")]
    assert [each and each.board_id for each in primaries] == ["classic", "old", None]
    assert folded.feeding(folded.newest, "old") == ()


def test_a_mode_feeds_a_bounded_number_of_boards() -> None:
    full = [define(f"b{n}") for n in range(MOST_FED)]
    side = define("side", game_modes=("sprint",))
    assert verdicts(*full, define("more"))[-1] == ("too_many", "game_modes")
    assert verdicts(*full, side, revise(1, "side", game_modes=("sprint", "classic")))[-1] == ("too_many", "game_modes")
    assert verdicts(*full, revise(1, "b0", title="Other"))[-1] == (None, "")
    assert verdicts(*full, retire(1, "b0"), define("more"))[-1] == (None, "")


def test_there_is_a_bounded_number_of_boards_and_retired_ones_count() -> None:
    made = [Revision(n, board(f"b{n}", game_modes=(f"m{n}",)), retired=n == 0) for n in range(MOST_BOARDS)]
    full = Catalogue(MOST_BOARDS - 1, tuple(made))
    with pytest.raises(Refused) as refused:
        full.revise(define("more", game_modes=("more",)), NOW)
    assert refused.value.verdict == Verdict("too_many", "board_id", f"at most {MOST_BOARDS} boards")
    assert full.revise(revise(1, "b1", game_modes=("m1",), title="Other"), NOW).board.revision == 2


def test_other_records_move_only_the_offset() -> None:
    garbage = [Record(0, 1, NOW, b"x", b"{"), Record(0, 2, NOW, b"x", None)]
    folded = fold_catalogue(Catalogue(), [*garbage, *records(PlayerRegistered(player_id="ann"))])
    assert (folded.newest, folded.revisions, folded.verdicts) == (1, (), {})
    assert fold_catalogue(Catalogue(), garbage).newest == 2


COMMANDS = st.one_of(
    st.builds(define, st.sampled_from("abc"), game_modes=st.sampled_from([("x",), ("x", "y"), ("y",)])),
    st.builds(revise, st.integers(1, 4), st.sampled_from("abc"), title=st.sampled_from(["T", "U"])),
    st.builds(revise, st.integers(1, 4), st.sampled_from("abc"), game_modes=st.just(("y",))),
    st.builds(revise, st.integers(1, 4), st.sampled_from("abc"), ends_at=st.just(NOW + 3 * HOUR)),
    st.builds(retire, st.integers(1, 4), st.sampled_from("abc")),
    st.builds(RecordVoided, topic=st.just("events"), partition=st.integers(0, 1), offset=st.integers(0, 3)),
)
LOGS = st.lists(st.tuples(st.sampled_from("123456789"), COMMANDS), max_size=20)


@given(LOGS, st.lists(st.integers(0, 20), max_size=5))
def test_any_split_of_the_log_gives_the_same_catalogue(log: list[tuple[str, Fact]], cuts: list[int]) -> None:
    whole = fold(*log)
    parts = Catalogue()
    edges = sorted([0, *(min(cut, len(log)) for cut in cuts), len(log)])
    for start, stop in pairwise(edges):
        parts = fold_catalogue(parts, records(*log)[start:stop])
        for at in range(-1, stop + 1):  # what was looked up between must not stick
            assert parts.feeding(at, "y") == fold_catalogue(Catalogue(), records(*log)[:stop]).feeding(at, "y")
    assert parts == whole
    assert [parts.boards(at) for at in range(-1, 21)] == [whole.boards(at) for at in range(-1, 21)]


@given(LOGS)
def test_revisions_of_a_board_count_up_from_one_without_a_gap(log: list[tuple[str, Fact]]) -> None:
    folded = fold(*log)
    for name in "abc":
        own = [each for each in folded.revisions if each.board.board_id == name]
        assert [each.board.revision for each in own] == list(range(1, len(own) + 1))
        assert [each.offset for each in own] == sorted({each.offset for each in own})
        assert not any(each.retired for each in own[:-1])
