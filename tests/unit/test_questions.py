"""Ranks by each way with ties, and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.cursors import Cursor, InvalidCursor, decode_cursor, encode_cursor
from shared.boards import Board, Ties
from shared.questions import Key, Places, Range, WouldRank, answer, percentile
from shared.ranking import Standing

VALUES = {"ann": 90, "bob": 80, "cyd": 80, "dan": 70}
ROWS = [Standing(player, value, at, 1, at) for at, (player, value) in enumerate(VALUES.items())]
SECRET = b"a secret of some length"


def board_of(ties: Ties) -> Board:
    return Board(board_id="b", title="t", game_modes=("m",), operator="best", order="desc", ties=ties)


@pytest.mark.parametrize(
    ("ties", "ranks", "gaps", "percentiles", "would"),
    [
        ("first_to_reach", [1, 2, 3, 4], [None, 10, 0, 10], [100, 75, 50, 25], 4),
        ("shared", [1, 2, 2, 4], [None, 10, 10, 10], [100, 75, 75, 25], 2),
        ("dense", [1, 2, 2, 3], [None, 10, 10, 10], [100, 75, 75, 25], 2),
    ],
)
def test_equal_values(
    ties: Ties, ranks: list[int], gaps: list[int | None], percentiles: list[float], would: int
) -> None:
    board = board_of(ties)
    rows = answer(board, ROWS, Range(0, 10)).rows
    assert [row.standing.player_id for row in rows] == list(VALUES)
    assert [row.rank for row in rows] == ranks
    assert [row.gap for row in rows] == gaps
    assert [percentile(row, 4) for row in rows] == percentiles
    assert answer(board, ROWS, WouldRank(80)).rank == would
    assert answer(board, ROWS, Places(["dan", "eve", "ann"])).rows == [rows[3], rows[0]]


keys = st.builds(Key, st.integers(-(2**53), 2**53), st.integers(0, 2**47), st.from_regex(r"\A[A-Za-z0-9_.:-]{1,64}\Z"))
cursors = st.builds(Cursor, keys, st.booleans())


@given(cursors)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor) -> None:
    text = encode_cursor(SECRET, "classic", "2026-11", cursor)
    assert decode_cursor(SECRET, "classic", "2026-11", text) == cursor


@given(cursors, st.text(max_size=60) | st.binary(max_size=60).map(lambda each: each.hex()))
def test_nothing_else_is_a_cursor(cursor: Cursor, other: str) -> None:
    text = encode_cursor(SECRET, "classic", "all", cursor)
    changed = text[:20] + ("A" if text[20] != "A" else "B") + text[21:]
    for season, wrong in [("all", other), ("2026-11", text), ("all", changed), ("all", text[:-3])]:
        with pytest.raises(InvalidCursor):
            decode_cursor(SECRET, "classic", season, wrong)
    with pytest.raises(InvalidCursor):
        decode_cursor(b"another secret", "classic", "all", text)
