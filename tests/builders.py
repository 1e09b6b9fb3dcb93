"""Makers of records, events and catalogues for tests."""

from shared.boards import DEFAULT_BOARDS, Board
from shared.catalogue import Catalogue, Revision
from shared.events import Fact, LogCreated, PlayerRegistered, ScoreSubmitted, encode, wrap
from shared.identity import event_id_of
from shared.records import Received, Record, receive


def catalogue_of(*boards: Board) -> Catalogue:
    """A catalogue of these boards, the first at offset 1, read up to offset 2 at least."""
    return Catalogue(max(2, len(boards)), tuple(Revision(offset, board) for offset, board in enumerate(boards, 1)))


CATALOGUE = catalogue_of(*DEFAULT_BOARDS)
NOW = 1_700_000_000_000


def fact_bytes(fact: Fact, key: str = "key", *, catalogue: int = 2, subject: str = "") -> bytes:
    player = subject or str(getattr(fact, "player_id", "log"))
    event = wrap(
        fact,
        event_id=event_id_of(player, key),
        subject=player,
        source="test",
        actor="test",
        attempt=f"attempt-{key}",
        catalogue=catalogue,
    )
    return encode(event)


def score_bytes(
    player: str, score: int, key: str = "key", mode: str = "classic", *, registered_only: bool = False
) -> bytes:
    only = True if registered_only else None
    return fact_bytes(ScoreSubmitted(player_id=player, game_mode=mode, score=score, registered_only=only), key)


def registration_bytes(player: str, key: str = "register") -> bytes:
    return fact_bytes(PlayerRegistered(player_id=player), key)


def log_created_bytes() -> bytes:
    return fact_bytes(LogCreated(incarnation="0123456789abcdef", topic="events"), subject="events")


def record(offset: int, key: str | None, value: bytes | None, *, partition: int = 0, at: int = 0) -> Received:
    """A record `at` milliseconds after the beginning."""
    return receive(Record(partition, offset, NOW + at, key.encode() if key is not None else None, value))


def log_of(*values: tuple[str, bytes], partition: int = 0) -> list[Received]:
    """A partition: `LogCreated`, then these (key, value), a millisecond apart."""
    first = record(0, "$log", log_created_bytes(), partition=partition)
    return [
        first,
        *(record(n, key, value, partition=partition, at=n) for n, (key, value) in enumerate(values, 1)),
    ]
