"""The wire: golden files are decoded for ever; hostile bytes are Undecodable and nothing else."""

from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import EVENTS, Event, Undecodable, UnknownEventType, decode, encode
from tests.builders import score_bytes

ROOT = Path(__file__).parent.parent.parent
GOLDEN = sorted((ROOT / "tests" / "golden" / "events").glob("*.json"))
SCORE = score_bytes("ann", 5)
OLD = {"leaderboard.ScoreSubmitted.v1", "leaderboard.BoardDefined.v1"}
"""What is not written any more and read for ever."""


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_a_golden_event_is_decoded_and_written_the_same(file: Path) -> None:
    event = decode(file.read_bytes())
    wanted = orjson.loads(file.read_bytes())
    assert only(wanted, orjson.loads(encode(event))) == wanted
    assert file.name.startswith(wanted["type"])


def only(wanted: Any, written: Any) -> Any:
    """Of what was written, the fields that were there: defaults are written out."""
    if isinstance(wanted, dict):
        return {key: only(value, written[key]) for key, value in wanted.items()}
    return written


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_a_golden_event_is_valid_by_its_published_schema(file: Path) -> None:
    event = orjson.loads(file.read_bytes())
    schema = orjson.loads((ROOT / "docs" / "events" / f"{event['type']}.schema.json").read_bytes())
    jsonschema.validate(event, schema)


def test_every_event_type_has_a_golden_file_with_all_and_one_with_only_the_required() -> None:
    names = {kind.model_fields["type"].default for kind in EVENTS.values()} | OLD
    assert {file.stem for file in GOLDEN} == names | {f"{name}.minimal" for name in names}


@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: kind.__name__)
def test_the_published_schema_is_what_the_model_gives(kind: type[Event]) -> None:
    file = ROOT / "docs" / "events" / f"{kind.model_fields['type'].default}.schema.json"
    assert orjson.loads(file.read_bytes()) == kind.model_json_schema(), "run scripts/event-schemas"


@pytest.mark.parametrize("score", [b"5.0", b"true", b'"5"', b"null", b"9007199254740992", b"[]", b"NaN"])
def test_a_score_that_is_no_exact_integer_is_undecodable(score: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(SCORE.replace(b'"score":5', b'"score":' + score))


@pytest.mark.parametrize(
    "metadata",
    [b'{"a":"\\u0000"}', b'{"a":' + b"9" * 40 + b"}", b'{"a":"' + b"x" * 1100 + b'"}', b"[" * 500 + b"]" * 500],
)
def test_metadata_that_the_tables_cannot_hold_is_undecodable(metadata: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(SCORE.replace(b'"score":5', b'"score":5,"metadata":' + metadata))


def test_a_new_field_in_a_known_version_is_undecodable() -> None:
    with pytest.raises(Undecodable):
        decode(SCORE.replace(b'"score":5', b'"score":5,"bonus":1'))


@pytest.mark.parametrize("text", [b"ann\\u0000", b"a b", b"x" * 65, b""])
def test_a_bad_player_id_is_undecodable(text: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(SCORE.replace(b'"player_id":"ann"', b'"player_id":"' + text + b'"'))


def test_an_own_type_of_a_newer_build_is_not_skipped() -> None:
    with pytest.raises(UnknownEventType):
        decode(SCORE.replace(b"ScoreSubmitted.v2", b"ScoreSubmitted.v3"))


@given(st.binary() | st.text().map(str.encode) | st.sampled_from([SCORE[:n] for n in range(len(SCORE))]))
def test_any_bytes_are_an_event_or_undecodable(value: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(value)
