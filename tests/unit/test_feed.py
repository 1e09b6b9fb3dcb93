"""A record of the feed that is too large is split: nothing is lost, the positions come last."""

from projector.feed import LARGEST_RECORD, split
from shared.rank_changes import BoardLines, OutcomeLine, RankChanges, RankLine


def test_a_large_record_is_split_into_parts_that_belong_together() -> None:
    players = [f"player-{number % 3_000}" for number in range(6_000)]
    outcomes = [OutcomeLine(f"attempt-{n}", "applied", None, p, "e" * 36, 0, n, None) for n, p in enumerate(players)]
    rows = [RankLine(player, 1, 2, 3) for player in {*players, "nobody-waits"}]
    boards = [BoardLines(board_id="classic", season="all", total=9, rows=rows)]
    changes = RankChanges(incarnation="0" * 16, positions={0: 6_000}, outcomes=outcomes, boards=boards, resync=True)
    values = list(split(changes))
    parts = [RankChanges.model_validate_json(value) for value in values]
    assert len(parts) > 1
    assert all(len(value) <= LARGEST_RECORD for value in values)
    assert [line for part in parts for line in part.outcomes] == outcomes
    assert {row for part in parts for board in part.boards for row in board.rows} == set(rows)
    assert [part.positions for part in parts] == [{}] * (len(parts) - 1) + [{0: 6_000}]
    for part in parts:
        ranked = {row.player_id for board in part.boards for row in board.rows}
        assert {line.player_id for line in part.outcomes} <= ranked
    assert parts[-1].resync
