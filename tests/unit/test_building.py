"""What a rebuild computes without servers: a partition folded with each player apart, who folds what, how far it is."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.comparing import Differences, Row
from leaderboard.counting import line
from leaderboard.crew import deal
from projector.building import Folding, Part
from projector.store import history_row
from shared.events import Fact, PlayerBanned, PlayerErased, PlayerReinstated, ScoreRevoked, ScoreSubmitted
from shared.fold.fold import fold_all
from shared.fold.state import State
from shared.identity import event_id_of
from tests.builders import fact_bytes, log_of
from tests.unit.test_rulings import BOARDS, CATALOGUE

PLAYERS = st.sampled_from(["ann", "bob", "cyd"])


@st.composite
def facts(draw: st.DrawFn) -> tuple[str, Fact, str]:
    """What happens to somebody: player, fact, key."""
    player, key = draw(PLAYERS), draw(st.sampled_from(["a", "b", "c", "d"]))
    return (
        player,
        draw(
            st.one_of(
                st.builds(ScoreSubmitted, player_id=st.just(player), game_mode=st.just("m"), score=st.integers(-1, 9)),
                st.builds(
                    ScoreRevoked,
                    player_id=st.just(player),
                    event_id=st.just(event_id_of(player, key)),
                    reason=st.just("r"),
                ),
                st.builds(PlayerBanned, player_id=st.just(player), reason=st.just("r")),
                st.builds(PlayerReinstated, player_id=st.just(player), reason=st.just("r")),
                st.builds(PlayerErased, player_id=st.just(player), entries=st.sampled_from(["anonymous", "removed"])),
            )
        ),
        key,
    )


@settings(max_examples=200)
@given(st.lists(facts(), max_size=30))
def test_players_apart_come_to_the_same_rows(happened: list[tuple[str, Fact, str]]) -> None:
    values = [
        (player, fact_bytes(fact, f"{type(fact).__name__}-{key}" if key != "a" else "a", catalogue=len(BOARDS)))
        for player, fact, key in happened
    ]
    records = log_of(*values, ("not-the-player", values[0][1] if values else b"{}"))
    state = State()
    steps = fold_all(state, CATALOGUE, records)
    folding = Folding(CATALOGUE)
    for each in records:
        folding.take(each)
    assert folding.partitions == state.partitions
    assert folding.history == [history_row(entry) for step in steps for entry in step.entries]
    for table in ("players", "sessions", "rulings", "entries"):
        rows: dict[Any, Any] = getattr(state, table)
        assert sorted(folding.rows(table), key=str) == sorted(rows.values(), key=str)
    assert folding.versions == {
        at: max(entry.offset for entry in state.entries.values() if (entry.board_id, entry.season) == at)
        for at in {(entry.board_id, entry.season) for entry in state.entries.values()}
    }


def part(number: int, end: int) -> Part:
    return Part(topic="events", partition=number, end=end)


def end_of(part: Part) -> int:
    return part.end


def test_partitions_are_dealt_out_by_their_size() -> None:
    hands = deal([part(0, 10), part(1, 90), part(2, 50), part(3, 40)], 2, end_of)
    assert [[each.partition for each in hand] for hand in hands] == [[1, 0], [2, 3]]
    assert deal([part(0, 10)], 4, end_of) == [[part(0, 10)]]


def test_a_line_says_how_far_it_is_how_fast_and_how_long_yet() -> None:
    assert line("folding", 250_000, 1_000_000, 10.0) == (
        "folding: 25 %, 250,000 of 1,000,000, 25,000 a second, 30 s left"
    )
    assert line("folding", 0, 0, 0.0) == "folding: 0 %, 0 of 0, 0 a second, no estimate yet"


def test_a_row_that_differs_shows_only_what_differs() -> None:
    found, wanted = {"player_id": "ann", "value": 7, "games": 1}, {"player_id": "ann", "value": 9, "games": 1}
    assert Row("entries", ("b", "ann"), found, wanted).line() == "entries b/ann: value 7 -> 9"
    assert Row("entries", ("b", "ann"), None, wanted).line().startswith("entries b/ann: missing, the log gives {")
    assert Row("entries", ("b", "ann"), found, None).line().startswith("entries b/ann: not in the log {")


def test_differences_of_what_the_fold_looks_at_may_be_anywhere() -> None:
    assert Differences(different={"game_sessions": 1}).anywhere
    assert not Differences(different={"leaderboard_entries": 3, "profiles": 1}).anywhere
    found = Differences(rows={"players": 5}, different={"players": 2}, shown=[Row("players", ("ann",), None, {})])
    assert found.lines()[0] == "players: 5 rows, 2 different"
    assert found.lines()[-2:] == ["... and 1 more", "2 rows differ from the log"]
