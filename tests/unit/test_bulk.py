"""Many records at once come out as one by one, whatever is among them."""

import re
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import bulk
from analysis.bulk import columns_of
from analysis.columns import row_of
from analysis.formats import batch_of
from shared.events import ScoreSubmitted
from shared.records import Record
from tests.builders import NOW, fact_bytes, log_created_bytes, registration_bytes, score_bytes


def one_by_one(records: list[Record]) -> pa.RecordBatch:
    return batch_of([row_of("events", record, record.timestamp + 1) for record in records])


def at_once(records: list[Record]) -> pa.RecordBatch:
    return columns_of("events", records, [record.timestamp + 1 for record in records])


def records_of(*values: bytes | None) -> list[Record]:
    return [Record(3, 7 + n, NOW + n, b"ann", value) for n, value in enumerate(values)]


def with_metadata(metadata: dict[str, Any], **said: Any) -> bytes:
    return fact_bytes(ScoreSubmitted(player_id="ann", game_mode="classic", score=7, metadata=metadata, **said))


PLAIN = [
    score_bytes("ann", 5),
    score_bytes("ann", -5, "b", "sprint"),
    with_metadata({}),
    with_metadata({"a": [1, 2.5, None, {"b": '}},"metadata":{'}], "é": "\x7f\n"}),
]
OTHERS = [
    None,
    b"",
    b"no event",
    score_bytes("ann", 5) * 2,
    score_bytes("ann", 5) + b"x",
    score_bytes("ann", 5, registered_only=True),
    with_metadata({"a": 1}, attributes={"country": "DE"}),
    with_metadata({"a": 1}, registered_only=True),
    score_bytes("ann", 5).replace(b'"catalogue":2', b'"catalogue":9223372036854775808'),
    re.sub(rb'"time":"[^"]*"', b'"time":"0001-01-01T00:00:00+01:00"', score_bytes("ann", 5)),
    re.sub(rb'"time":"[^"]*"', b'"time":"9999-12-31T23:59:59-01:00"', score_bytes("ann", 5)),
    log_created_bytes(),
    registration_bytes("ann"),
    with_metadata({"a": 1}).replace(b'{"a":1}', b'{"a":123456789012345678901234567890}'),
    with_metadata({"a": 1}).replace(b'{"a":1}', b'{"a":1,"b":"\\u0000"}'),
    with_metadata({"a": 1}).replace(b'{"a":1}', b'{"a":"' + b"x" * 1030 + b'"}'),
]
FIELDS = ["specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "actor"]
FIELDS += ["causation", "attempt", "catalogue", "traceparent", "data", "extra"]
VALUES: list[Any] = [None, "", "x", "a\nb", "ä", "x" * 129, 0, -1, -2, 1.0, 2**53, 2**70, True, False, [], {}]
VALUES += ["2026-02-30T00:00:00Z", "2026-11-28T24:00:00Z", "0000-01-01T00:00:00Z", "2026-11-28T12:00:00.5+01:00"]
VALUES += ["0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z"]
VALUES += ["5C9F21A0-8d2f-5b6e-9a77-3f1f0c2f4e10", "leaderboard.ScoreSubmitted.v1", "leaderboard.ScoreSubmitted.v3"]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A score of which something is otherwise."""
    event: dict[str, Any] = orjson.loads(draw(st.sampled_from(PLAIN)))
    inside = draw(st.booleans())
    at, names = (event["data"], ["player_id", "game_mode", "score", "metadata", "extra"]) if inside else (event, FIELDS)
    name, value = draw(st.sampled_from(names)), draw(st.sampled_from(VALUES))
    if draw(st.integers(0, 3)) == 0:
        at.pop(name, None)
    else:
        at[name] = value if value != 2**70 else 2**63
    text = orjson.dumps(event)
    twice = b'"score":7,"score":8' if draw(st.booleans()) else b'"score":7'
    return text.replace(b'"score":7', twice)


def test_what_this_project_writes_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = one_by_one(records_of(*PLAIN))
    monkeypatch.setattr(bulk, "row_of", None)
    assert at_once(records_of(*PLAIN)).equals(wanted)


@pytest.mark.parametrize("value", OTHERS, ids=range(len(OTHERS)))
def test_what_is_something_else_changes_nothing_for_the_others(value: bytes | None) -> None:
    records = records_of(PLAIN[0], value, *PLAIN)
    assert at_once(records).equals(one_by_one(records))
    assert len(at_once(records).to_pylist()) == len(records)


@given(st.lists(damaged() | st.sampled_from(PLAIN + OTHERS), min_size=1, max_size=6))
def test_many_at_once_are_as_one_by_one(values: list[bytes | None]) -> None:
    assert at_once(records_of(*values)).equals(one_by_one(records_of(*values)))


@given(damaged())
def test_what_is_taken_at_once_is_valid_and_the_same(value: bytes) -> None:
    assert at_once(records_of(value)).equals(one_by_one(records_of(value)))


@given(st.none() | st.binary(max_size=10))
def test_keys_keep_their_bytes(key: bytes | None) -> None:
    records = [Record(0, 1, NOW, key, PLAIN[0]), Record(0, 2, NOW, b"ann", PLAIN[1])]
    assert at_once(records).equals(one_by_one(records))
