"""Which column of a file is what of a score, and a row of it as the event that it becomes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from analysis.tabular import integer
from command_api.domain import Refused, SubmitScore, attributes_asked, decide
from command_api.submitting import stamped
from shared.catalogue import Catalogue
from shared.events import Fact, PlayerProfileSet, PlayerRegistered, ScoreSubmitted, encode, wrap
from shared.identity import accept_integer, event_id_of

SOURCE = "urn:leaderboard:import"
ACTOR = "system:import"
NAMES: dict[str, tuple[str, ...]] = {
    "player_id": ("player_id", "user_id", "player", "user"),
    "score": ("score", "points", "value"),
    "time": ("time", "timestamp", "recorded_at", "submitted_at", "created_at", "achieved_at", "date", "at"),
    "game_mode": ("game_mode", "mode"),
    "id": ("id", "event_id", "score_id"),
    "username": ("username", "display_name", "name"),
}
"""What of a score → names of columns that mean it; the first that a file has is taken."""
BAGS = ("metadata.", "attributes.")
"""`metadata.platform`: a text of the submission's metadata; `attributes.country`: of the player's profile."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidMapping(ValueError):
    """The columns cannot be mapped so; the message says what is expected."""


class Bad(NamedTuple):
    """A row that is no score: where, which field, what is wrong."""

    line: int
    field: str
    got: str
    expected: str


class Profile(NamedTuple):
    """What a row says a player is called."""

    player_id: str
    username: str
    attributes: dict[str, str]


class Item(NamedTuple):
    """A record to be appended; `at`: its timestamp, milliseconds."""

    key: bytes | None
    value: bytes | None
    at: int


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows are read."""

    columns: Mapping[str, str]
    """Field → column."""
    game_mode: str = "classic"
    """Of rows that name none."""
    zone: ZoneInfo | None = None
    """Of times without an offset; None: they are refused."""
    seconds: bool = False
    """Whether numbers are seconds since 1970, else milliseconds."""


def map_columns(there: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """Field → column: as wanted (`score=points`), else by name. Raises InvalidMapping."""
    columns = list(there)
    mapped = dict(_wish(each, columns) for each in wanted)
    for field, names in NAMES.items():
        found = next((name for name in names if name in columns and name not in mapped.values()), None)
        if field not in mapped and found is not None:
            mapped[field] = found
    for column in columns:
        if column.startswith(BAGS) and column not in mapped:
            mapped[column] = column
    for field in ("player_id", "time"):
        if field not in mapped:
            raise InvalidMapping(f"which column is the {field}? --map {field}=COLUMN, one of: {', '.join(columns)}")
    return mapped


def _wish(text: str, columns: list[str]) -> tuple[str, str]:
    field, _, column = text.partition("=")
    if field not in NAMES and not field.startswith(BAGS):
        fields = ", ".join([*NAMES, *(f"{bag}*" for bag in BAGS)])
        raise InvalidMapping(f"--map {text}: FIELD=COLUMN is expected, the field one of {fields}")
    if column not in columns:
        raise InvalidMapping(f"--map {text}: the file has the columns {', '.join(columns)}")
    return field, column


class Reading:
    """Rows as events, judged as the command API judges a request."""

    def __init__(self, rules: Rules, catalogue: Catalogue, latest: int) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._latest = latest
        """Milliseconds: a later time is refused."""

    def read(self, line: int, row: Mapping[str, Any] | str) -> tuple[Item, Profile | None] | Bad:
        """The record that a row becomes and what it says of its player; or what is wrong with it."""
        if isinstance(row, str):
            return Bad(line, "", "", row)
        said = {field: row.get(column) for field, column in self._rules.columns.items()}
        try:
            at = self._time(said["time"])
            fact = self._fact(said)
            profile = self._profile(said, fact.player_id)
        except Refused as refused:
            return Bad(line, self._column(refused.field), _shown(refused.got), refused.expected)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            return Bad(line, self._column(field), _shown(first["input"]), first["msg"])
        key = str(said["id"]) if said.get("id") is not None else f"row-{line}"
        return self._item(fact, fact.player_id, f"import:{key}", at), profile

    def profile(self, profile: Profile) -> Item:
        """The record that says what a player is called."""
        return self._item(PlayerProfileSet(**profile._asdict()), profile.player_id, "import:profile", 0)

    def _item(self, fact: Fact, player_id: str, key: str, at: int) -> Item:
        event = wrap(
            fact,
            event_id=event_id_of(player_id, key),
            subject=player_id,
            source=SOURCE,
            actor=ACTOR,
            time=datetime.fromtimestamp(at / 1000, UTC),
            catalogue=self._catalogue.newest,
        )
        return Item(player_id.encode(), encode(event), at)

    def _fact(self, said: Mapping[str, Any]) -> ScoreSubmitted | PlayerRegistered:
        player_id: Any = accept_integer(said["player_id"])
        if said.get("score") is None:
            return PlayerRegistered.model_validate({"player_id": player_id})
        score = integer(said["score"])
        if not isinstance(score, int) or isinstance(score, bool):
            raise Refused("score", said["score"], "an integer")
        mode = said.get("game_mode") or self._rules.game_mode
        metadata = _bag("metadata.", said)
        fact = decide(SubmitScore(player_id, mode, score, metadata or None), self._catalogue, registered_only=False)
        asked = attributes_asked(self._catalogue, mode)
        return stamped(fact, asked, {player_id: _bag("attributes.", said)}) if asked else fact

    def _profile(self, said: Mapping[str, Any], player_id: str) -> Profile | None:
        if said.get("username") is None:
            return None
        username, attributes = str(said["username"]), _bag("attributes.", said)
        PlayerProfileSet(player_id=player_id, username=username, attributes=attributes)
        return Profile(player_id, username, attributes)

    def _time(self, value: Any) -> int:
        """Milliseconds since 1970."""
        at = integer(value)
        if isinstance(at, str):
            at = _parsed(at)
        if isinstance(at, datetime):
            at = self._instant(value, at)
        elif isinstance(at, int) and not isinstance(at, bool):
            at = at * 1000 if self._rules.seconds else at
        else:
            raise Refused("time", value, "a date and time, or a number since 1970")
        if not 0 <= at <= self._latest:
            raise Refused("time", value, "a time from 1970 to now")
        return at

    def _instant(self, value: Any, at: datetime) -> int:
        zoned = at.replace(tzinfo=self._rules.zone) if at.tzinfo is None else at
        if zoned.tzinfo is None:
            raise Refused("time", value, "a time with its offset, such as 2026-11-01T12:00:00Z; or say --time-zone")
        return round((zoned - EARLIEST).total_seconds() * 1000)

    def _column(self, field: str) -> str:
        return self._rules.columns.get(field, field)


def _parsed(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return text


def _bag(prefix: str, said: Mapping[str, Any]) -> dict[str, str]:
    held = {field.removeprefix(prefix): value for field, value in said.items() if field.startswith(prefix)}
    return {key: str(value) for key, value in held.items() if value is not None}


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
