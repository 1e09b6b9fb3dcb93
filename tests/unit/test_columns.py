"""Every event comes back out of its row; what is no event comes back as the bytes it was."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.columns import record_of, row_of
from shared.events import decode
from shared.records import Record, receive
from tests.builders import NOW, score_bytes

GOLDEN = sorted(Path("tests/golden/events").glob("*.json"))


def back(value: bytes | None, key: bytes | None = b"ann") -> tuple[bytes | None, bytes | None]:
    return record_of(row_of("events", Record(3, 7, NOW, key, value), NOW)._asdict())


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.name)
def test_every_event_of_every_version_comes_back(file: Path) -> None:
    key, value = back(file.read_bytes())
    assert key == b"ann"
    assert decode(value) == decode(file.read_bytes())


def test_what_this_build_writes_comes_back_byte_for_byte() -> None:
    value = score_bytes("ann", 5)
    assert back(value) == (b"ann", value)


@given(st.none() | st.binary(max_size=50), st.none() | st.binary(max_size=300))
def test_what_is_no_event_comes_back_byte_for_byte(key: bytes | None, value: bytes | None) -> None:
    assert receive(Record(3, 7, NOW, key, value)).event is None
    assert back(value, key) == (key, value)


def test_an_event_of_a_newer_build_keeps_its_bytes_and_says_its_type() -> None:
    value = score_bytes("ann", 5).replace(b"ScoreSubmitted.v2", b"ScoreSubmitted.v9")
    row = row_of("events", Record(3, 7, NOW, b"ann", value), NOW)
    assert row.event_type == "leaderboard.ScoreSubmitted.v9"
    assert record_of(row._asdict()) == (b"ann", value)


def test_what_questions_are_asked_about_has_a_column() -> None:
    row = row_of("events", Record(3, 7, NOW, b"ann", score_bytes("ann", 5)), NOW + 1)
    assert (row.topic, row.partition, row.offset, row.recorded_at, row.clock) == ("events", 3, 7, NOW, NOW + 1)
    assert (row.event_type, row.player_id, row.game_mode, row.score) == (
        "leaderboard.ScoreSubmitted.v2",
        "ann",
        "classic",
        5,
    )
    assert row.data is None
