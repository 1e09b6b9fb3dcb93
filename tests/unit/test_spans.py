"""Whose rank is asked for again after a move: nobody whose rank it changed may be left out."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.spans import Spans, span_of
from shared.boards import Ties
from shared.rank_changes import RankLine

Values = dict[str, tuple[int, int]]
"""Player → value, and when it was reached."""
PLAYERS = st.sampled_from([f"p{number}" for number in range(8)])
VALUES = st.tuples(st.integers(1, 5), st.integers(1, 3))
BOARDS = st.dictionaries(PLAYERS, VALUES, min_size=1)
BATCHES = st.dictionaries(PLAYERS, st.none() | VALUES, min_size=1, max_size=3)


def ranks(held: Values, ties: Ties) -> dict[str, int]:
    """By the definition of each way with ties."""
    order = sorted(held, key=lambda player: (-held[player][0], held[player][1], player))
    values = sorted((value for value, _ in held.values()), reverse=True)
    match ties:
        case "first_to_reach":
            return {player: place for place, player in enumerate(order, 1)}
        case "shared":
            return {player: values.index(held[player][0]) + 1 for player in order}
        case "dense":
            return {player: sorted(set(values), reverse=True).index(held[player][0]) + 1 for player in order}


@pytest.mark.parametrize("ties", get_args(Ties))
@given(BOARDS, BATCHES)
def test_whose_rank_a_batch_changes_is_within_its_spans(
    ties: Ties, held: Values, batch: dict[str, tuple[int, int] | None]
) -> None:
    after = {player: at for player, at in {**held, **batch}.items() if at is not None}
    before, then, touched = ranks(held, ties), ranks(after, ties), Spans()
    for player in batch:
        span = span_of(RankLine(player, before.get(player), then.get(player), None), len(after), ties)
        if span is not None:
            touched.add(*span)
    others = {player for player in held.keys() - batch.keys() if before[player] != then[player]}
    assert {player for player in others if touched.meet(before[player], before[player])} == others
