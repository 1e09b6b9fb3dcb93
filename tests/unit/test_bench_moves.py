"""Moves, and when they were seen."""

from collections import Counter

from bench.crowd import Arrivals
from bench.moves import Due, delays, due, moves, ranks_seen, rows_seen, since_published

ME = b'{"t":"me","ch":"me:classic:player-%d","rank":1,"score":%d}'
ROWS = b'{"t":"d","ch":"top:100:classic","up":[["player-1",7,0,null],["player-2",9,0,null]],"rm":[]}'


def test_everybody_moves_in_turns_and_alike_for_the_same_seed() -> None:
    work = moves(4, 8, seed=1)
    assert work == moves(4, 8, seed=1)
    assert Counter(player for player, _ in work) == dict.fromkeys(range(4), 2)
    assert [player for player, _ in work[:4]] == [player for player, _ in work[4:]]


def test_a_move_is_due_at_its_time_with_the_total_after_it() -> None:
    found = due([(0, 5), (1, 3), (0, 2)], rate=2, first_due=10.0, totals={0: 100, 1: 0})
    assert found == [Due(10.0, 0, 105), Due(10.5, 1, 3), Due(11.0, 0, 107)]


def test_a_move_counts_as_seen_with_a_later_total_and_as_missed_without() -> None:
    arrivals = Arrivals(
        [ME % (0, 107), ME % (1, 2), b'{"t":"me","ch":"me:x:player-9","score":null}'],
        [12.0, 13.0, 14.0],
        [0, 1, 9],
        [0, 1, 2],
    )
    seen = ranks_seen(arrivals)
    assert seen == {0: [(107, 12.0)], 1: [(2, 13.0)]}
    assert delays([Due(10.0, 0, 105), Due(11.0, 0, 107), Due(10.5, 1, 3)], seen) == ([2.0, 1.0], 1)
    assert since_published(seen, {(0, 107): 1011.5}, epoch=1000.0) == [0.5]


def test_a_delta_is_as_old_as_the_oldest_move_in_it() -> None:
    arrivals = Arrivals([ROWS, b'{"t":"snap"}'], [3.0, 3.5, 4.0], [0, 1, 0], [0, 0, 1])
    dues = [Due(1.0, 1, 7), Due(2.0, 2, 9)]
    assert rows_seen(arrivals, dues, sockets=2) == [2.0, 2.5]
    assert rows_seen(arrivals, dues, sockets=1) == [2.0], "those beyond are not looked at"


def test_a_total_counts_when_it_is_there_first() -> None:
    arrivals = Arrivals([ME % (0, 5), ME % (0, 7)], [1.0, 2.0, 3.0, 4.0], [0] * 4, [0, 1, 1, 0])
    assert ranks_seen(arrivals) == {0: [(5, 1.0), (7, 2.0)]}
