"""What of the log is to be exported: a range of it, and which of its records. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from analysis.columns import Row
from shared.catalogue import Catalogue
from shared.events import EVENTS, OWN_TYPES
from shared.identity import is_player_id

Format: TypeAlias = Literal["parquet", "ndjson", "csv"]
RANGE = re.compile(r"(\d{1,9}):(\d{1,18})-(\d{1,18})?")
KINDS = sorted(fact.__name__ for fact in EVENTS)


class InvalidWish(ValueError):
    """An option says what cannot be; the message says what is expected."""


class Wishes(BaseModel):
    """What is asked for. An empty tuple or None: everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Format = "parquet"
    profiles: bool = False
    """Names and attributes of players, too."""
    since: int | None = None
    """By the fold's clock, milliseconds, this included."""
    until: int | None = None
    """The same, this not included."""
    offsets: dict[int, tuple[int, int | None]] | None = None
    """Of the events topic: partition → first offset, and the one after the last; no other partitions."""
    boards: tuple[str, ...] = ()
    players: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """Such as ScoreSubmitted."""

    def check(self) -> None:
        """Raises InvalidWish."""
        for kind in self.kinds:
            if kind not in KINDS:
                raise InvalidWish(f"--type {kind}: one of {', '.join(KINDS)} is expected")
        for player in self.players:
            if not is_player_id(player):
                raise InvalidWish(f"--player {player}: 1 to 64 of A-Z a-z 0-9 _ . : - are expected")


class Sieve(BaseModel):
    """Which rows of the events topic are taken; None: whatever it is."""

    model_config = ConfigDict(frozen=True)

    modes: frozenset[str] | None = None
    boards: frozenset[str] | None = None
    players: frozenset[str] | None = None
    kinds: frozenset[str] | None = None

    @property
    def open(self) -> bool:
        """Whether every row is taken."""
        return self == EVERYTHING

    def takes(self, row: Row) -> bool:
        """Whether a row is taken. What is of no board (a ban, a registration) is of every board."""
        return (
            (self.players is None or row.player_id in self.players)
            and (self.kinds is None or kind_of(row.event_type) in self.kinds)
            and (self.modes is None or row.game_mode is None or row.game_mode in self.modes)
            and (self.boards is None or row.board_id is None or row.board_id in self.boards)
        )


EVERYTHING = Sieve()


def kind_of(event_type: str | None) -> str | None:
    """`ScoreSubmitted` of `leaderboard.ScoreSubmitted.v2`."""
    return event_type.removeprefix(OWN_TYPES).rpartition(".")[0] if event_type is not None else None


def sieve(wishes: Wishes, catalogue: Catalogue) -> Sieve:
    """Which rows are asked for; a board is fed by the modes of any of its revisions. Raises InvalidWish."""
    known = catalogue.present()
    for board in wishes.boards:
        if board not in known:
            raise InvalidWish(f"--board {board}: one of {', '.join(known) or 'none, as none is defined'} is expected")
    fed = {
        mode for each in catalogue.revisions if each.board.board_id in wishes.boards for mode in each.board.game_modes
    }
    return Sieve(
        modes=frozenset(fed) if wishes.boards else None,
        boards=frozenset(wishes.boards) or None,
        players=frozenset(wishes.players) or None,
        kinds=frozenset(wishes.kinds) or None,
    )


def parse_time(text: str) -> int:
    """A day or an instant, in UTC where it names no offset, as milliseconds. Raises InvalidWish."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidWish(f"{text}: a time such as 2026-11-28 or 2026-11-28T17:30:00+01:00 is expected") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def parse_offsets(texts: Sequence[str]) -> dict[int, tuple[int, int | None]] | None:
    """`PARTITION:FROM-UNTIL` of each partition, UNTIL not included, and left out for the end. Raises InvalidWish."""
    found: dict[int, tuple[int, int | None]] = {}
    for text in texts:
        said = RANGE.fullmatch(text)
        if said is None or int(said[1]) in found:
            raise InvalidWish(f"--offsets {text}: PARTITION:FROM-UNTIL is expected, once a partition, such as 3:0-5000")
        found[int(said[1])] = int(said[2]), int(said[3]) if said[3] is not None else None
    return found or None
