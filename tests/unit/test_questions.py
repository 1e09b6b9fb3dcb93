"""What ranks are: by each way with ties, at percentiles, among friends; and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.cursors import LONGEST_CURSOR, Cursor, InvalidCursor, decode_cursor, encode_cursor
from shared.boards import Board, Order, Ties
from shared.numbers import LARGEST
from shared.questions import (
    After,
    Around,
    AroundScore,
    AtPercentile,
    Before,
    FromRank,
    Key,
    Places,
    Question,
    Range,
    Slice,
    WouldRank,
    answer,
    key_of,
    percentile,
    place_at,
    rank,
    rank_among,
)
from shared.ranking import Standing, order_key, sort_value

VALUES = {"ann": 90, "bob": 80, "cyd": 80, "dan": 70}
ROWS = [Standing(player, value, at, 1, at) for at, (player, value) in enumerate(VALUES.items())]
SECRET = b"a secret of some length"


def board_of(ties: Ties = "first_to_reach", order: Order = "desc") -> Board:
    return Board(board_id="b", title="t", game_modes=("m",), operator="best", order=order, ties=ties)


def players(board: Board, question: Question) -> list[str]:
    return [row.standing.player_id for row in answer(board, ROWS, question).rows]


TIES: list[Ties] = ["first_to_reach", "shared", "dense"]
ORDERS: list[Order] = ["asc", "desc"]
boards = st.builds(board_of, st.sampled_from(TIES), st.sampled_from(ORDERS))
rows_of_a_board = st.lists(
    st.builds(
        lambda player, value, at: Standing(player, value, at, 1, at),
        st.text("abXY09_-.:", min_size=1, max_size=3),
        st.integers(-3, 3),
        st.integers(0, 3),
    ),
    unique_by=lambda row: row.player_id,
    max_size=25,
)


@pytest.mark.parametrize(
    ("ties", "ranks", "gaps", "percentiles", "would"),
    [
        ("first_to_reach", [1, 2, 3, 4], [None, 10, 0, 10], [100, 75, 50, 25], [1, 2, 4, 5]),
        ("shared", [1, 2, 2, 4], [None, 10, 10, 10], [100, 75, 75, 25], [1, 2, 2, 5]),
        ("dense", [1, 2, 2, 3], [None, 10, 10, 10], [100, 75, 75, 25], [1, 2, 2, 4]),
    ],
)
def test_equal_values(
    ties: Ties, ranks: list[int], gaps: list[int | None], percentiles: list[float], would: list[int]
) -> None:
    board = board_of(ties)
    rows = answer(board, ROWS, Range(0, 10)).rows
    assert [row.standing.player_id for row in rows] == list(VALUES)
    assert [row.rank for row in rows] == ranks
    assert [row.gap for row in rows] == gaps
    assert [percentile(row, 4) for row in rows] == percentiles
    assert [answer(board, ROWS, WouldRank(score)).rank for score in (91, 85, 80, 69)] == would
    assert answer(board, ROWS, Places(["dan", "eve", "ann"])).rows == [rows[3], rows[0]]


@pytest.mark.parametrize(("ties", "begins"), [("first_to_reach", "abcd-"), ("shared", "abdd-"), ("dense", "abd--")])
def test_a_jump_to_a_rank_begins_at_the_first_row_with_it_or_a_worse_one(ties: Ties, begins: str) -> None:
    found = [players(board_of(ties), FromRank(number, 1)) for number in range(1, 6)]
    assert "".join(each[0][0] if each else "-" for each in found) == begins


def test_rows_around_and_at_keys() -> None:
    board, bob = board_of(), key_of(board_of(), ROWS[1])
    assert players(board, Around("bob", 5, 1)) == ["ann", "bob", "cyd"]
    assert players(board, Around("eve", 5, 5)) == []
    assert players(board, AroundScore(80, 1, 1)) == ["cyd", "dan"]
    assert players(board, After(bob, 1)) == ["cyd"]
    assert players(board, Before(bob, 5)) == ["ann"]
    assert players(board, After(bob._replace(player_id="boa"), 1)) == ["bob"]
    assert players(board, Before(bob._replace(player_id="boc"), 1)) == ["bob"]


@given(boards, rows_of_a_board, st.integers(0, 26))
def test_ranks_counted_from_the_middle_are_those_counted_from_the_top(
    board: Board, rows: list[Standing], first: int
) -> None:
    """What the stores do: they count before the first row of a slice, and go on from there."""
    ordered = sorted(rows, key=lambda row: order_key(board.order, row))
    sorts = [sort_value(board.order, row.value) for row in ordered]
    rest = ordered[first:]
    better = [sort for sort in sorts if rest and sort < sorts[first]]
    ahead = sorts[:first] if board.ties == "first_to_reach" else better
    found = Slice(first, len(better), len(set(better)), ahead[-1] if ahead else None, rest)
    assert rank(board, found) == answer(board, rows, Range(first, 100)).rows


@given(boards, rows_of_a_board.filter(bool), st.integers(0, 10_000))
def test_the_score_of_a_percentile_is_the_worst_that_reaches_it(
    board: Board, rows: list[Standing], hundredths: int
) -> None:
    [found] = answer(board, rows, AtPercentile(hundredths)).rows
    everyone = answer(board, rows, Range(0, 100)).rows
    wanted = hundredths * len(rows)
    reaching = [row for row in everyone if (len(rows) - row.ahead) * 10_000 >= wanted]
    assert found.standing.value == reaching[-1].standing.value


def test_percentiles_are_counted_in_integers() -> None:
    assert (place_at(9_990, 1_000), place_at(10_000, 1_000), place_at(0, 1_000), place_at(5_000, 0)) == (1, 0, 999, -1)


@given(boards, rows_of_a_board, st.sets(st.integers(0, 24)))
def test_a_rank_among_friends_is_that_on_a_board_of_them_alone(
    board: Board, rows: list[Standing], chosen: set[int]
) -> None:
    friends = [row for number, row in enumerate(rows) if number in chosen]
    among = rank_among(board.ties, answer(board, rows, Places([row.player_id for row in friends])).rows)
    alone = answer(board, friends, Range(0, 100)).rows
    assert [(number, row.standing) for number, row in among] == [(row.rank, row.standing) for row in alone]


player_ids = st.from_regex(r"\A[A-Za-z0-9_.:-]{1,64}\Z")
keys = st.builds(Key, st.integers(-LARGEST, LARGEST), st.integers(0, 2**47 - 1), player_ids)
cursors = st.builds(Cursor, st.just("2026-11"), keys, st.booleans())


@given(cursors)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor) -> None:
    text = encode_cursor(SECRET, "classic", cursor)
    assert decode_cursor(SECRET, "classic", "2026-11", text) == cursor
    assert decode_cursor(SECRET, "classic", None, text) == cursor


def test_the_longest_cursor_is_accepted() -> None:
    key = Key(-LARGEST, 2**47 - 1, "z" * 64)
    assert len(encode_cursor(SECRET, "b" * 32, Cursor("20261123T0000Z", key, True))) <= LONGEST_CURSOR


@given(cursors, st.text(max_size=60) | st.binary(max_size=60).map(lambda each: each.hex()))
def test_nothing_else_is_a_cursor(cursor: Cursor, other: str) -> None:
    text = encode_cursor(SECRET, "classic", cursor)
    changed = text[:20] + ("A" if text[20] != "A" else "B") + text[21:]
    for secret, board, season, wrong in [
        (SECRET, "classic", "2026-11", other),
        (SECRET, "classic", None, changed),
        (SECRET, "classic", None, text[:-3]),
        (SECRET, "classic", "2026-12", text),
        (SECRET, "sprint", None, text),
        (b"another secret", "classic", None, text),
    ]:
        with pytest.raises(InvalidCursor):
            decode_cursor(secret, board, season, wrong)
