"""Seasons tile time in every zone, and change when the wall clock says so, across both changes of a year."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.boards import Board
from shared.seasons import season_at, season_before, season_named

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Beirut",
]
CRONS = ["30 2 * * *", "0 18 * * FRI", "*/10 * * * *", "15 1,2,3 * * *", "0 0 29 2 *", "0 12 L * *"]


def board_of(**rule: Any) -> Board:
    return Board.model_validate(
        {"board_id": "b", "title": "t", "game_modes": ["m"], "operator": "sum", "order": "desc", **rule}
    )


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


RULES = [{"reset": reset} for reset in ("daily", "weekly", "monthly")]
RULES += [{"reset": "cron", "cron": cron} for cron in CRONS]
boards = st.builds(lambda rule, zone: board_of(**rule, timezone=zone), st.sampled_from(RULES), st.sampled_from(ZONES))
CHANGES = [ms("2026-03-29T01:00+00:00"), ms("2026-10-25T01:00+00:00"), ms("2026-03-08T07:00+00:00")]
CHANGES += [ms("2026-11-01T06:00+00:00"), ms("2011-12-30T10:00+00:00"), ms("2018-11-04T03:00+00:00")]
near = st.builds(lambda change, away: change + away, st.sampled_from(CHANGES), st.integers(-(10**8), 10**8))
clocks = near | st.integers(0, 2**42)


@settings(max_examples=400)
@given(boards, clocks)
def test_seasons_follow_each_other_without_gap_or_overlap(board: Board, clock: int) -> None:
    season = season_at(board, clock)
    assert season.ends_at is not None
    assert season.starts_at <= clock < season.ends_at
    assert season_at(board, season.starts_at) == season_at(board, season.ends_at - 1) == season
    assert season_at(board, season.ends_at).starts_at == season.ends_at
    assert season_named(board, season.name) == season
    assert season_before(board, season_at(board, season.ends_at)) == season


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_day_is_what_the_calendar_on_the_wall_says_minute_by_minute(zone: str) -> None:
    """A whole year against the system's own time zone code."""
    board, wall = board_of(reset="daily", timezone=zone), ZoneInfo(zone)
    at, end = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    hours = set()
    while at < end:
        season = season_at(board, int(at.timestamp() * 1000))
        assert season.name == at.astimezone(wall).date().isoformat()
        assert season.ends_at is not None
        hours.add((season.ends_at - season.starts_at) / 3_600_000)
        at += timedelta(minutes=7)
    assert hours == {23, 24, 25}


@pytest.mark.parametrize(
    ("zone", "clock", "begins"),
    [
        # 02:30 does not exist: the season begins where the gap ends
        ("Europe/Berlin", "2026-03-29T12:00+02:00", "2026-03-29T03:00+02:00"),
        ("America/New_York", "2026-03-08T12:00-04:00", "2026-03-08T03:00-04:00"),
        # 02:30 and 01:30 come twice: the first one counts
        ("Europe/Berlin", "2026-10-25T02:45+01:00", "2026-10-25T02:30+02:00"),
        ("Europe/Berlin", "2026-10-25T12:00+01:00", "2026-10-25T02:30+02:00"),
        ("America/New_York", "2026-11-01T12:00-05:00", "2026-11-01T02:30-05:00"),
    ],
)
def test_a_cron_reset_happens_once_at_each_change(zone: str, clock: str, begins: str) -> None:
    board = board_of(reset="cron", cron="30 2 * * *", timezone=zone)
    assert season_at(board, ms(clock)).starts_at == ms(begins)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_daily_cron_makes_one_season_a_day_of_the_year(zone: str) -> None:
    board = board_of(reset="cron", cron="30 2 * * *", timezone=zone)
    season, count = season_at(board, ms("2026-01-01T12:00+00:00")), 0
    while season.starts_at < ms("2027-01-01T12:00+00:00"):
        assert season.ends_at is not None
        season, count = season_at(board, season.ends_at), count + 1
    assert count == 366


def test_names_of_seasons() -> None:
    clock = ms("2026-11-23T17:00+00:00")
    assert season_at(board_of(), clock) == ("all", 0, None)
    assert season_at(board_of(reset="daily"), clock).name == "2026-11-23"
    assert season_at(board_of(reset="weekly"), clock).name == "2026-W48"
    assert season_at(board_of(reset="monthly"), clock).name == "2026-11"
    assert season_at(board_of(reset="cron", cron="0 17 * * *"), clock).name == "20261123T1700Z"
    assert season_at(board_of(reset="daily", timezone="Asia/Tokyo"), clock).name == "2026-11-24"


@pytest.mark.parametrize(
    "name", ["", "all", "2026-02-30", "2026-W54", "20261123T1701Z", "9999-12-31", "x" * 40, "2026-1-1"]
)
def test_a_name_that_no_season_has(name: str) -> None:
    assert all(season_named(board_of(**rule), name) is None for rule in RULES if rule["reset"] != "cron" or "T" in name)


@pytest.mark.parametrize("name", ["0001-01-01", "0001-W01", "0001-01", "00010101T0000Z"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_year_that_no_clock_reaches_is_no_season(zone: str, name: str) -> None:
    assert all(season_named(board_of(**rule, timezone=zone), name) is None for rule in RULES)


def test_an_end_of_the_board_ends_its_last_season() -> None:
    end = ms("2026-11-23T12:00+00:00")
    assert season_at(board_of(ends_at=end), end - 1) == ("all", 0, end)
    assert season_at(board_of(reset="daily", ends_at=end), end - 1).ends_at == end
    assert season_named(board_of(reset="daily", ends_at=end), "2026-11-22") == season_named(
        board_of(reset="daily"), "2026-11-22"
    )


@pytest.mark.parametrize(
    "rule",
    [
        {"reset": "cron", "cron": "* * * * *"},
        {"reset": "cron", "cron": "*/9 * * * *"},
        {"reset": "cron", "cron": "0 0 30 2 *"},
        {"reset": "cron", "cron": "0 0 * *"},
        {"reset": "cron", "cron": "0 0 0 * * *"},
        {"reset": "cron"},
        {"reset": "daily", "cron": "0 0 * * *"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": ""},
    ],
)
def test_a_rule_that_makes_no_seasons_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cron|timezone"):
        board_of(**rule)
