"""Plain SQL over an exported log gives what the fold gives, at any instant; so either proves the other."""

import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shared.boards import Board
from shared.catalogue import Catalogue, fold_catalogue
from shared.events import (
    Fact,
    PlayerBanned,
    PlayerErased,
    PlayerRegistered,
    PlayerReinstated,
    RecordVoided,
    ScoreRestored,
    ScoreRevoked,
    ScoreSubmitted,
)
from shared.fold.fold import fold_all
from shared.fold.state import State
from shared.identity import event_id_of
from shared.ranking import Standing, order_key
from shared.records import Record, receive
from tests.builders import NOW, fact_bytes, log_created_bytes
from tests.exports import board_records, write_export
from tests.oracle import Oracle, Stand

PLAYERS = ["ann", "bob", "Cyd"]
DAY = 86_400_000
BOARDS = (
    Board(board_id="best", title="t", game_modes=("m",), operator="best", order="desc", reset="daily"),
    Board(board_id="least", title="t", game_modes=("m", "n"), operator="best", order="asc", ties="shared"),
    Board(board_id="sum", title="t", game_modes=("m",), operator="sum", order="desc", minimum=-9, ties="dense"),
    Board(
        board_id="latest",
        title="t",
        game_modes=("n",),
        operator="latest",
        order="desc",
        reset="weekly",
        timezone="Europe/Berlin",
    ),
    Board(board_id="count", title="t", game_modes=("n", "m"), operator="count", order="desc", maximum=5),
    Board(
        board_id="window", title="t", game_modes=("m",), operator="sum", order="desc", starts_at=NOW, ends_at=NOW + DAY
    ),
    Board(
        board_id="chosen",
        title="t",
        game_modes=("m",),
        operator="sum",
        order="desc",
        reset="monthly",
        where={"player.country": ("DE", "FR"), "metadata.platform": ("ios",)},
    ),
)


@st.composite
def facts(draw: st.DrawFn, number: int) -> tuple[str, bytes]:
    """A key and the bytes of an event about one of the players."""
    player, key = draw(st.sampled_from(PLAYERS)), draw(st.sampled_from("abcdefgh"))
    target = event_id_of(player, key)
    score = ScoreSubmitted(
        player_id=player,
        game_mode=draw(st.sampled_from(["m", "m", "n", "x"])),
        score=draw(st.integers(-2, 9)),
        metadata=draw(st.sampled_from([None, {}, {"platform": "ios"}, {"platform": 7}])),
        attributes=draw(st.sampled_from([None, {"country": "DE"}, {"country": "US"}])),
        registered_only=draw(st.sampled_from([None, None, True])),
    )
    others: list[Fact] = [
        ScoreRevoked(player_id=player, event_id=target, reason="r"),
        ScoreRestored(player_id=player, event_id=target, reason="r"),
        PlayerBanned(player_id=player, reason="r"),
        PlayerReinstated(player_id=player, reason="r"),
        PlayerErased(player_id=player, entries=draw(st.sampled_from(["anonymous", "removed"]))),
        PlayerRegistered(player_id=player),
    ]
    fact = draw(st.sampled_from([score] * 12 + others))
    named = key if isinstance(fact, ScoreSubmitted) else f"{number}" if draw(st.booleans()) else "again"
    value = fact_bytes(fact, named, catalogue=draw(st.sampled_from([-1, 3, len(BOARDS)])))
    if draw(st.integers(0, 19)) == 0:
        return ("elsewhere", value) if draw(st.booleans()) else (player, b"no event")
    return player, value


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """A partition over a few days, its timestamps not always in order."""
    records, at = [Record(0, 0, NOW, b"$log", log_created_bytes())], NOW
    for offset in range(1, draw(st.integers(2, 40))):
        at += draw(st.sampled_from([0, 1, 1, -3, DAY // 3, 9 * DAY]))
        key, value = draw(facts(offset))
        records.append(Record(0, offset, at, key.encode(), value))
    return records


def void(offset: int) -> Record:
    fact = RecordVoided(topic="events", partition=0, offset=offset)
    return Record(0, len(BOARDS) + 1, NOW, b"$log", fact_bytes(fact, "void", subject="log"))


def folded(catalogue: Catalogue, records: Iterable[Record]) -> dict[tuple[str, str], list[Stand]]:
    """Every season of every board as the fold gives it."""
    state, boards = State(), {board.board_id: board for board in BOARDS}
    fold_all(state, catalogue, map(receive, records))
    found: dict[tuple[str, str], list[Standing]] = {}
    for entry in state.entries.values():
        if entry.standing is not None:
            found.setdefault((entry.board_id, entry.season), []).append(entry.standing)
    return {key: ranked(boards[key[0]], standings) for key, standings in sorted(found.items())}


def ranked(board: Board, standings: list[Standing]) -> list[Stand]:
    """Rows in order, with ranks counted one by one."""
    rows = sorted(standings, key=partial(order_key, board.order))
    values = [each.value for each in rows]
    ranks = {
        "first_to_reach": [place + 1 for place, _ in enumerate(values)],
        "shared": [values.index(value) + 1 for value in values],
        "dense": [len(set(values[: place + 1])) for place, _ in enumerate(values)],
    }[board.ties]
    return [
        Stand(ranks[place], each.player_id, each.value, each.reached_at, each.games_played)
        for place, each in enumerate(rows)
    ]


def by_sql(oracle: Oracle) -> dict[tuple[str, str], list[Stand]]:
    return {key: oracle.top(*key) for key in oracle.boards()}


@settings(max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
@given(logs(), st.data())
def test_sql_gives_what_the_fold_gives(records: list[Record], data: st.DataObject) -> None:
    voided = void(data.draw(st.integers(1, len(records) - 1)))
    catalogue = fold_catalogue(Catalogue(), [*board_records(BOARDS), voided])
    with tempfile.TemporaryDirectory() as folder:
        write_export(Path(folder), "boards", [*board_records(BOARDS), voided])
        write_export(Path(folder), "events", records)
        oracle = Oracle(Path(folder))
        oracle.at(None)
        assert by_sql(oracle) == folded(catalogue, records)
        instant = data.draw(st.sampled_from(records)).timestamp
        oracle.at(instant)
        kept = [
            each for number, each in enumerate(records) if max(r.timestamp for r in records[: number + 1]) <= instant
        ]
        assert by_sql(oracle) == folded(catalogue, kept)
