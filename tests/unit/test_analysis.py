"""The pure parts of export and sql: ranges, which rows are taken, names of files, what a picture shows, questions."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from analysis.blocks import path_of
from analysis.columns import Row, row_of
from analysis.database import DEFINITIONS, VIEWS, open_database
from analysis.plotting import Result, Unplottable, plot, series_of
from analysis.questions import questions, title_of
from analysis.wishes import InvalidWish, Wishes, kind_of, parse_offsets, parse_time, sieve
from shared.boards import DEFAULT_BOARDS
from shared.records import Record
from tests.builders import CATALOGUE, NOW, log_created_bytes, score_bytes
from tests.exports import board_records, write_export


def row(value: bytes) -> Row:
    return row_of("events", Record(0, 1, NOW, b"ann", value), NOW)


SCORE, SPRINT, CREATED = row(score_bytes("ann", 5)), row(score_bytes("bob", 5, mode="sprint")), row(log_created_bytes())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-28", 1795824000000),
        ("2026-11-28T12:00:00.25", 1795867200250),
        ("2026-11-28T12:00+01:00", 1795863600000),
    ],
)
def test_times(text: str, wanted: int) -> None:
    assert parse_time(text) == wanted


@pytest.mark.parametrize("text", ["", "now", "2026-13-01", "12:00"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidWish, match="2026-11-28"):
        parse_time(text)


def test_ranges_of_offsets() -> None:
    assert parse_offsets(["3:0-10", "0:5-"]) == {3: (0, 10), 0: (5, None)}
    assert parse_offsets([]) is None
    for wrong in (["3"], ["3:5"], ["3:-5"], ["a:0-1"], ["3:0-1", "3:1-2"]):
        with pytest.raises(InvalidWish):
            parse_offsets(wrong)


def test_a_board_takes_its_modes_and_what_is_of_no_board() -> None:
    found = sieve(Wishes(boards=("sprint",)), CATALOGUE)
    assert [found.takes(each) for each in (SCORE, SPRINT, CREATED)] == [False, True, True]
    with pytest.raises(InvalidWish, match="classic, sprint"):
        sieve(Wishes(boards=("nonsense",)), CATALOGUE)


def test_players_and_kinds() -> None:
    assert [sieve(Wishes(players=("bob",)), CATALOGUE).takes(each) for each in (SCORE, SPRINT)] == [False, True]
    kinds = sieve(Wishes(kinds=("LogCreated",)), CATALOGUE)
    assert [kinds.takes(each) for each in (SCORE, CREATED, row(b"no event"))] == [False, True, False]
    assert sieve(Wishes(), CATALOGUE).open
    assert kind_of("leaderboard.ScoreSubmitted.v12") == "ScoreSubmitted"


def test_files_are_named_by_partition_and_first_offset_in_the_folder_of_their_day() -> None:
    assert path_of("events", 3, 65_536, NOW, "csv") == Path("events/day=2023-11-14/3-000000000065536.csv")


def test_a_second_column_of_names_makes_series_and_columns_of_numbers_each_make_one() -> None:
    days = [date(2026, 11, 1), date(2026, 11, 2)]
    wide = Result(["day", "players", "note", "scores"], [(days[0], 1, "a", 5), (days[1], 2, "b", 6)])
    assert series_of(wide) == {"players": [(days[0], 1.0), (days[1], 2.0)], "scores": [(days[0], 5.0), (days[1], 6.0)]}
    long = Result(["at", "mode", "n"], [(1, "a", 5), (1, "b", 6), (2, "a", 7)])
    assert series_of(long) == {"a": [(1, 5.0), (2, 7.0)], "b": [(1, 6.0)]}


def test_a_picture_is_the_same_each_time_and_is_refused_where_there_is_none(tmp_path: Path) -> None:
    result = Result(["day", "players"], [(datetime(2026, 11, day, tzinfo=UTC), day) for day in (1, 2, 3)])
    for name in ("a.svg", "b.svg", "c.png"):
        plot(result, "players", tmp_path / name)
    assert (tmp_path / "a.svg").read_text() == (tmp_path / "b.svg").read_text()
    bars = Result(["player", "hours"], [("ann", 1), ("bob", 2)])
    plot(bars, "", tmp_path / "bars.png")
    for wrong, file in ((Result(["a", "b"], []), "a.svg"), (Result(["a"], [(1,)]), "a.svg"), (result, "a.gif")):
        with pytest.raises(Unplottable):
            plot(wrong, "", tmp_path / file)


def test_every_view_and_every_question_can_be_asked(tmp_path: Path) -> None:
    write_export(tmp_path, "boards", board_records(DEFAULT_BOARDS))
    scores = [Record(0, n, NOW + n * 60_000, b"ann", score_bytes("ann", n, f"{n}")) for n in range(1, 9)]
    write_export(tmp_path, "events", [Record(0, 0, NOW, b"$log", log_created_bytes()), *scores])
    database = open_database(tmp_path)
    for view in (*VIEWS, *DEFINITIONS):
        assert database.execute(f"select count(*) from {view}").fetchall()[0][0] >= 0
    for name, sql in questions().items():
        assert title_of(sql)[0].isupper(), name
        rows = database.execute(sql).fetchall()
        assert rows or name == "suspicious-jumps", name
    assert database.execute("select player_id, value, rank from entries").fetchall() == [("ann", 36, 1)]
