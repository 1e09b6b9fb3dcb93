"""Which position is meant, and which seasons."""

import pytest

from analysis.replaying import EVERY_SEASON, Asked, NotReplayed, Replayed, digests, parse_as_of, rows
from shared.boards import Board
from shared.fold.results import Results, digest_of
from shared.fold.state import Entry, Outcome, SeasonEnd, Step
from shared.positions import Position
from shared.ranking import Standing
from tests.builders import NOW, catalogue_of

DAY = 86_400_000
ALL = Board(board_id="all", title="t", game_modes=("m",), operator="sum", order="desc", ties="shared")
DAILY = Board(board_id="daily", title="t", game_modes=("m",), operator="sum", order="desc", reset="daily")


def entry(board: str, season: str, player: str, value: int, partition: int = 0) -> Entry:
    return Entry(board, season, player, Standing(player, value, NOW, 1, NOW), partition, 1, NOW)


def test_an_instant_or_a_position() -> None:
    assert parse_as_of("2026-11-01T00:00Z") == 1_793_491_200_000
    assert parse_as_of("2026-11-01T01:00:00.250+01:00") == 1_793_491_200_250
    assert parse_as_of("1.08d011b4b8677c2b.2-2") == Position("08d011b4b8677c2b", {2: 2})
    for text in ("2026-11-01", "2026-11-01T00:00", "yesterday", "1.x"):
        with pytest.raises(NotReplayed, match="is expected"):
            parse_as_of(text)


def replayed() -> Replayed:
    results = Results()
    for each in (
        entry("all", "all", "ann", 5),
        entry("all", "all", "bob", 5, 1),
        entry("all", "all", "cyd", 3),
        entry("daily", "2023-11-13", "ann", 2),
        entry("daily", "2023-11-14", "bob", 3, 1),
    ):
        results.put(each)
    return Replayed(Position("", {}), NOW, catalogue_of(ALL, DAILY), results)


def test_rows_of_the_present_season_or_of_the_one_that_is_named() -> None:
    found = [(row.board, row.season, row.rank, row.player_id, row.players) for row in rows(replayed(), Asked(top=2))]
    assert found == [
        ("all", "all", 1, "ann", 3),
        ("all", "all", 1, "bob", 3),
        ("daily", "2023-11-14", 1, "bob", 1),
    ]
    asked = Asked(("all",), None, 0, ("cyd", "nobody"))
    assert [(row.rank, row.player_id) for row in rows(replayed(), asked)] == [(3, "cyd")]
    assert [row.player_id for row in rows(replayed(), Asked(("daily",), "2023-11-13"))] == ["ann"]
    assert len(list(rows(replayed(), Asked(season=EVERY_SEASON)))) == 5


def test_a_digest_as_closed_once_a_season_has_ended_in_every_partition() -> None:
    found, wishes = replayed(), Asked(("daily",), EVERY_SEASON)
    before = digest_of(DAILY, found.results.standings("daily", "2023-11-13"))
    for partition in (0, 1):
        assert [each.state for each in digests(found, wishes, 2)] == ["present", "present"]
        end = SeasonEnd("daily", "2023-11-13", partition, 9, NOW)
        found.results.take(Step(Outcome("applied", None, partition, 9), ended=end))
    found.results.put(entry("daily", "2023-11-13", "ann", 9))
    shown = [(each.season, each.state, each.digest == before) for each in digests(found, wishes, 2)]
    assert shown == [("2023-11-13", "present", False), ("2023-11-13", "closed", True), ("2023-11-14", "present", False)]
