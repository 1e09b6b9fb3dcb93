"""Identities: event ids are for ever and never run together."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.identity import PlayerIdInput, event_id_of, is_event_id, new_id

INPUT: TypeAdapter[str] = TypeAdapter(PlayerIdInput)
PLAYERS = st.text("ab1:", min_size=1, max_size=6)
KEYS = st.text("ab1:", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("player", "key", "event_id"),
    [
        ("ann", "run-1", "e6c7fa0b-9f9b-5bd9-8a35-5bca66c2ad5c"),
        ("a:b", "3:x", "2bb8700e-2c30-5b20-bea7-66fe2a7db7ad"),
        ("x" * 64, "k" * 255, "ead019bd-86ff-519c-9f7d-f2b4fb64f22d"),
    ],
)
def test_the_event_id_of_a_player_and_key_is_for_ever(player: str, key: str, event_id: str) -> None:
    assert event_id_of(player, key) == event_id
    assert is_event_id(event_id)


@given(st.tuples(PLAYERS, KEYS), st.tuples(PLAYERS, KEYS))
@example(("a", "1:b"), ("a1:", "b"))
@example(("a1:b", "c"), ("a", "1:bc"))
def test_two_pairs_have_one_id_only_when_they_are_one_pair(one: tuple[str, str], two: tuple[str, str]) -> None:
    assert (event_id_of(*one) == event_id_of(*two)) == (one == two)


@given(PLAYERS, KEYS)
def test_moving_the_boundary_between_player_and_key_changes_the_id(player: str, key: str) -> None:
    text = player + key
    assert len({event_id_of(text[:at], text[at:]) for at in range(len(text) + 1)}) == len(text) + 1


@pytest.mark.parametrize(("body", "player"), [(b"12", "12"), (b"-7", "-7"), (b'"12"', "12"), (b"0", "0")])
def test_an_integer_player_id_means_its_decimal_string(body: bytes, player: str) -> None:
    assert INPUT.validate_json(body) == player


@pytest.mark.parametrize(
    "body", [b"true", b"false", b"12.0", b"null", b"[1]", b'""', b'"ann\\n"', b'"a b"', b"9" * 65, b"9" * 5000]
)
def test_what_is_neither_an_integer_nor_a_player_id_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        INPUT.validate_json(body)


@pytest.mark.parametrize(
    "text", ["", "e6c7fa0b", "E6C7FA0B-9F9B-5BD9-8A35-5BCA66C2AD5C", "{e6c7fa0b-9f9b-5bd9-8a35-5bca66c2ad5c}"]
)
def test_a_text_that_this_project_would_not_write_is_no_event_id(text: str) -> None:
    assert not is_event_id(text)


def test_new_ids_are_event_ids_that_sort_by_time() -> None:
    ids = [new_id() for _ in range(100)]
    assert all(is_event_id(each) for each in ids)
    assert ids == sorted(set(ids))
