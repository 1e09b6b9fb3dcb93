"""Seasons: the period of a board that a clock falls in, by the clocks of the board's time zone. Pure.

A reset happens when a wall clock shows it: `2026-03-29 02:30`. Where a wall clock skips that (the spring change), the
reset is at the first instant after the gap; where it shows it twice (autumn), at the first time. So instants never
go backwards with wall clocks, every reset happens once, and seasons follow each other without gap or overlap.
Zones are those of the pinned package `tzdata`, never the machine's: every machine has to fold the log alike.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from shared.boards import Board

ALL_TIME = "all"
"""The one season of a board that never resets."""
BUCKET = 3_600_000
"""Milliseconds of which the seasons are kept in memory together."""
SHORTEST = timedelta(minutes=10)
"""The shortest season that a cron expression may make."""
PROBED = 1_000
"""Seasons of a cron expression that are looked at before it is accepted."""
SLACK = timedelta(days=2)
"""More than any wall clock was ever moved at once."""
DIFFERENCE = 3_600_000
"""Milliseconds: by more than the clocks of two machines differ, and than a process sleeps between two looks."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CRON_NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z")


class Season(NamedTuple):
    """A period of a board: from `starts_at`, before `ends_at` (milliseconds since 1970 UTC; None: it never ends)."""

    name: str
    starts_at: int
    ends_at: int | None


class Rule(NamedTuple):
    """What of a board decides when its seasons begin."""

    reset: str
    cron: str | None
    timezone: str


class InvalidRule(ValueError):
    """A time zone or a cron expression that no board may have; the message says what is expected."""


def season_at(board: "Board", clock: int) -> Season:
    """The season that a fold clock (milliseconds) falls in. A board's own end ends its last season."""
    if board.reset == "never":
        return Season(ALL_TIME, board.starts_at or 0, board.ends_at)
    rule = Rule(board.reset, board.cron, board.timezone)
    found = next(each for each in _seasons_in(rule, clock // BUCKET) if each.ends_at is None or clock < each.ends_at)
    if board.ends_at is None or found.ends_at is None or not found.starts_at < board.ends_at < found.ends_at:
        return found
    return found._replace(ends_at=board.ends_at)


def season_named(board: "Board", name: str) -> Season | None:
    """The season with this name; None when the board has none."""
    if board.reset == "never":
        return season_at(board, 0) if name == ALL_TIME else None
    try:
        begins = _begin(Rule(board.reset, board.cron, board.timezone), name)
    except (ValueError, OverflowError):
        return None
    found = season_at(board, max(0, begins)) if begins < 2**47 else None
    return found if found is not None and found.name == name else None


def season_of(board: "Board", name: str) -> Season:
    """The season with this name, which the board is known to have."""
    season = season_named(board, name)
    assert season is not None, (board.board_id, name)
    return season


def season_before(board: "Board", season: Season) -> Season | None:
    """The season just before; None before the first."""
    return season_at(board, season.starts_at - 1) if board.reset != "never" and season.starts_at > 0 else None


def check_rule(rule: Rule) -> None:
    """See that a time zone exists, and that a cron expression makes seasons. Raises InvalidRule."""
    _zone(rule.timezone)
    if rule.cron is None:
        return
    try:
        if len(rule.cron.split()) != 5:
            raise InvalidRule("cron: five fields are expected (minute, hour, day of month, month, day of week)")
        starts = list(islice(CronSim(rule.cron, datetime(2026, 1, 1)), PROBED))  # noqa: DTZ001 - wall clock
    except CronSimError as error:
        raise InvalidRule(f"cron: {error}") from error
    if len(starts) < 2:
        raise InvalidRule("cron: an expression that matches again and again is expected")
    if min(after - before for before, after in pairwise(starts)) < SHORTEST:
        raise InvalidRule("cron: matches that are at least 10 minutes apart are expected")


def is_over(season: Season, clock: int) -> bool:
    """Whether a season has ended by a clock (milliseconds)."""
    return season.ends_at is not None and season.ends_at <= clock


@lru_cache(maxsize=4_096)
def _seasons_in(rule: Rule, bucket: int) -> tuple[Season, ...]:
    """The seasons that a bucket of time lies in, in order."""
    clock, end = bucket * BUCKET, (bucket + 1) * BUCKET
    seasons = [_season(rule, clock)]
    while (ends_at := seasons[-1].ends_at) is not None and ends_at < end:
        seasons.append(_season(rule, ends_at))
    return tuple(seasons)


def _season(rule: Rule, clock: int) -> Season:
    zone = _zone(rule.timezone)
    wall = (EPOCH + timedelta(milliseconds=clock)).astimezone(zone).replace(tzinfo=None) + SLACK
    start = next((each for each in _starts(rule, wall, back=True) if _instant(each, zone) <= clock), None)
    if start is None:
        start = datetime(1970, 1, 1)  # noqa: DTZ001 - before the first match; its zone is of no matter
        begins = 0
    else:
        begins = max(0, _instant(start, zone))
    later = (_instant(each, zone) for each in _starts(rule, start, back=False))
    ends = next((each for each in later if each > clock), None)
    return Season(_name(rule, start, begins), begins, ends)


def _starts(rule: Rule, wall: datetime, *, back: bool) -> Iterator[datetime]:
    """The wall clocks at which seasons begin: at or before `wall`, back; or after it."""
    match rule.reset:
        case "daily":
            return _days(wall, back=back)
        case "weekly":
            return (day for day in _days(wall, back=back) if day.weekday() == 0)
        case "monthly":
            return (day for day in _days(wall, back=back) if day.day == 1)
        case _:
            assert rule.cron is not None
            return iter(CronSim(rule.cron, wall + timedelta(minutes=1) if back else wall, reverse=back))


def _days(wall: datetime, *, back: bool) -> Iterator[datetime]:
    step = timedelta(days=-1 if back else 1)
    day = datetime(wall.year, wall.month, wall.day) + (timedelta() if back else step)  # noqa: DTZ001 - wall clock
    while True:
        yield day
        day += step


def _name(rule: Rule, start: datetime, begins: int) -> str:
    match rule.reset:
        case "daily":
            return start.date().isoformat()
        case "weekly":
            year, week, _ = start.isocalendar()
            return f"{year}-W{week:02d}"
        case "monthly":
            return f"{start:%Y-%m}"
        case _:
            return f"{EPOCH + timedelta(milliseconds=begins):%Y%m%dT%H%MZ}"


def _begin(rule: Rule, name: str) -> int:
    """When a season of this name would begin. Raises ValueError for a name that no such season has."""
    match rule.reset:
        case "daily":
            day = date.fromisoformat(name)
        case "weekly":
            year, _, week = name.partition("-W")
            day = date.fromisocalendar(int(year), int(week), 1)
        case "monthly":
            day = date.fromisoformat(f"{name}-01")
        case _:
            found = CRON_NAME.fullmatch(name)
            if found is None:
                raise ValueError(name)
            return _milliseconds(datetime(*map(int, found.groups()), tzinfo=UTC))  # type: ignore[arg-type,misc]
    return _instant(datetime(day.year, day.month, day.day), _zone(rule.timezone))  # noqa: DTZ001 - wall clock


def _instant(wall: datetime, zone: ZoneInfo) -> int:
    """When a wall clock shows this, the first time; the end of the gap where it never does."""
    at = wall.replace(tzinfo=zone)
    before, after = at.utcoffset(), at.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    if before < after:  # a gap: fold 0 counts from before it and fold 1 from after it, so its end lies between
        return _end_of_gap(wall - after, wall - before, zone)
    return _milliseconds(at.astimezone(UTC))


def _end_of_gap(early: datetime, late: datetime, zone: ZoneInfo) -> int:
    """The instant between two (UTC) at which the offset of the zone changes; offsets change at whole seconds."""
    low, high = _milliseconds(early.replace(tzinfo=UTC)) // 1000, _milliseconds(late.replace(tzinfo=UTC)) // 1000
    offset = _offset(high, zone)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(middle, zone) == offset else (middle, high)
    return high * 1000


def _offset(seconds: int, zone: ZoneInfo) -> timedelta | None:
    return (EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()


def _milliseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=1_024)
def _zone(name: str) -> ZoneInfo:
    """A time zone of the pinned database. Raises InvalidRule."""
    parts = name.split("/")
    file = resources.files("tzdata").joinpath("zoneinfo", *parts)
    if not all(re.fullmatch(r"[A-Za-z0-9_+-]+", part) for part in parts) or not file.is_file():
        raise InvalidRule(f"timezone: an IANA time zone such as Europe/Berlin is expected, not {name}")
    with file.open("rb") as opened:
        return ZoneInfo.from_file(opened, key=name)
