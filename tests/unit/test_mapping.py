"""Rows of somebody else's file as events: which column is what, what is refused and where."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from analysis.histories import Rows, TooManyBad, catalogue_of, read_history
from analysis.mapping import Bad, InvalidMapping, Profile, Reading, Rules, map_columns
from analysis.staging import staged
from analysis.tabular import UnreadableFile, look, read_lines
from shared.boards import DEFAULT_BOARDS
from shared.events import PlayerRegistered, ScoreSubmitted, decode

LATEST = 1_800_000_000_000
COLUMNS = {"player_id": "who", "score": "points", "time": "when", "username": "called", "game_mode": "mode"}


def read(row: dict[str, Any] | str, **rules: Any) -> Any:
    return Reading(Rules(COLUMNS, **rules), catalogue_of(DEFAULT_BOARDS), LATEST).read(7, row)


def test_columns_are_found_by_name_and_as_wanted() -> None:
    assert map_columns(["user", "points", "at", "metadata.map", "x"], []) == {
        "player_id": "user",
        "score": "points",
        "time": "at",
        "metadata.map": "metadata.map",
    }
    assert map_columns(["user", "points", "at", "x"], ["score=x", "attributes.country=points"]) == {
        "score": "x",
        "attributes.country": "points",
        "player_id": "user",
        "time": "at",
    }


@pytest.mark.parametrize(
    ("columns", "wanted", "named"),
    [
        (["user", "points"], [], "time"),
        (["points", "at"], [], "player_id"),
        (["user", "at"], ["score=gone"], "gone"),
        (["user", "at"], ["height=user"], "height"),
    ],
)
def test_what_cannot_be_mapped_is_named(columns: list[str], wanted: list[str], named: str) -> None:
    with pytest.raises(InvalidMapping, match=named):
        map_columns(columns, wanted)


def test_a_row_is_a_score_at_its_time() -> None:
    row = {"who": 12, "points": "34", "when": "2026-11-01T12:00:00+01:00", "called": "Zwölf", "mode": None}
    item, profile = read(row)
    event = decode(item.value)
    assert event.data == ScoreSubmitted(player_id="12", game_mode="classic", score=34)
    assert item.at == 1_793_530_800_000 == round(event.time.timestamp() * 1000)
    assert (item.key, event.catalogue) == (b"12", len(DEFAULT_BOARDS))
    assert profile == Profile("12", "Zwölf", {})


def test_the_same_row_is_the_same_event_and_another_line_another() -> None:
    rules, catalogue = Rules({"player_id": "who", "time": "when", "score": "points"}), catalogue_of(DEFAULT_BOARDS)
    row = {"who": "ann", "points": 3, "when": 1_700_000_000_000}
    reading = Reading(rules, catalogue, LATEST)
    assert reading.read(1, row) == reading.read(1, row)
    assert reading.read(1, row) != reading.read(2, row)
    named = Reading(Rules({**rules.columns, "id": "n"}), catalogue, LATEST)
    assert named.read(1, {**row, "n": 5}) == named.read(2, {**row, "n": 5})


def test_times() -> None:
    at = {"who": "ann", "points": 3}
    assert read({**at, "when": 1_700_000_000}, seconds=True)[0].at == 1_700_000_000_000
    assert read({**at, "when": "1700000000000"})[0].at == 1_700_000_000_000
    assert read({**at, "when": datetime(2026, 7, 1)}, zone=ZoneInfo("Europe/Berlin"))[0].at == 1_782_856_800_000  # noqa: DTZ001
    refused = read({**at, "when": "2026-07-01 00:00"})
    assert (refused.line, refused.field) == (7, "when")
    assert "--time-zone" in refused.expected


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"who": "no spaces", "points": 3, "when": 1}, "who"),
        ({"who": None, "points": 3, "when": 1}, "who"),
        ({"who": "ann", "points": "3.5", "when": 1}, "points"),
        ({"who": "ann", "points": True, "when": 1}, "points"),
        ({"who": "ann", "points": 0, "when": 1}, "points"),
        ({"who": "ann", "points": 2**60, "when": 1}, "points"),
        ({"who": "ann", "points": 3, "when": LATEST + 1}, "when"),
        ({"who": "ann", "points": 3, "when": None}, "when"),
        ({"who": "ann", "points": 3, "when": "soon"}, "when"),
        ({"who": "ann", "points": 3, "when": 1, "mode": "nobody-takes-it"}, "mode"),
        ({"who": "ann", "points": 3, "when": 1, "called": "\x00"}, "called"),
        ("no JSON", ""),
    ],
)
def test_a_row_that_is_no_score_names_its_line_and_field(row: Any, field: str) -> None:
    found = read(row)
    assert isinstance(found, Bad)
    assert (found.line, found.field) == (7, field), found


def test_a_row_without_a_score_registers() -> None:
    item, _ = read({"who": "ann", "when": 5})
    assert decode(item.value).data == PlayerRegistered(player_id="ann")


def test_files_of_each_kind_have_the_same_rows(tmp_path: Path) -> None:
    rows = [{"who": "ann", "points": 3, "when": 9}, {"who": "böb", "points": 4, "when": 8}]
    (tmp_path / "a.csv").write_text('who,points,when\nann,3,9\n\n"böb",4,8\n', encoding="utf-8")
    (tmp_path / "a.ndjson").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert list(read_lines(tmp_path / "a.csv")) == [
        (2, {"who": "ann", "points": "3", "when": "9"}),
        (4, {"who": "böb", "points": "4", "when": "8"}),
    ]
    assert list(read_lines(tmp_path / "a.ndjson")) == list(enumerate(rows, 1))
    assert list(read_lines(tmp_path / "a.parquet")) == list(enumerate(rows, 1))
    assert look(tmp_path / "a.csv") == {"who": "ann", "points": "3", "when": "9"}


def test_a_line_that_cannot_be_read_is_one_bad_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,points\nann,3,9\nbob,4\n")
    assert list(read_lines(tmp_path / "a.csv")) == [
        (2, "2 fields are expected, not 3"),
        (3, {"who": "bob", "points": "4"}),
    ]
    (tmp_path / "a.ndjson").write_bytes(b'{"who":1}\n[1]\n{')
    kinds = [type(row) for _, row in read_lines(tmp_path / "a.ndjson")]
    assert kinds == [dict, str, str]
    for name in ("a.txt", "empty.csv"):
        (tmp_path / name).touch()
        with pytest.raises(UnreadableFile):
            look(tmp_path / name)


def test_records_go_by_time_then_by_line(tmp_path: Path) -> None:
    lines = ["player,score,time", *(f"p{n % 3},{n + 1},{1_000 - n // 2 * 10}" for n in range(60))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    rules = Rules(map_columns(look(tmp_path / "a.csv"), []))
    with staged() as staging:
        rows = Rows(2, DEFAULT_BOARDS, staging)
        read_history(rows, tmp_path / "a.csv", rules, LATEST, 0, lambda *_: None)
        assert (rows.good, rows.players, staging.first, staging.last) == (60, 3, 710, 1_000)
        for partition in range(2):
            items = list(rows.items("events", partition))
            assert len(items) == rows.count("events", partition)
            said = [(item.at, decode(item.value).data.score % 2 == 0) for item in items]  # type: ignore[union-attr]
            assert said == sorted(said)
            assert list(rows.items("events", partition)) == items
        assert sum(rows.count("events", each) for each in range(2)) == 60


def test_more_bad_rows_than_allowed_stop_everything(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("player,score,time\nann,x,5\nbob,3,5\ncyd,y,5\n")
    rules = Rules(map_columns(look(tmp_path / "a.csv"), []))
    with staged() as staging:
        rows = Rows(2, DEFAULT_BOARDS, staging)
        read_history(rows, tmp_path / "a.csv", rules, LATEST, 2, lambda *_: None)
        assert [(each.line, each.field) for each in rows.bad] == [(2, "score"), (4, "score")]
        with pytest.raises(TooManyBad):
            read_history(Rows(2, DEFAULT_BOARDS, staging), tmp_path / "a.csv", rules, LATEST, 1, lambda *_: None)
