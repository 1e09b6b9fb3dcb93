"""Position tokens: opaque, merged by maximum."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.positions import InvalidPosition, Position, parse_position

VECTORS = st.dictionaries(st.integers(0, 99_999), st.integers(1, 10**18), max_size=20)
LOG = "0123456789abcdef"


@given(VECTORS)
def test_a_token_is_read_back(offsets: dict[int, int]) -> None:
    assert parse_position(str(Position(LOG, offsets))) == Position(LOG, offsets)


@given(VECTORS, VECTORS)
def test_a_merge_covers_both_and_no_more(one: dict[int, int], two: dict[int, int]) -> None:
    a, b = Position(LOG, one), Position(LOG, two)
    merged = parse_position(f"{a}, {b}")
    assert merged == a.merge(b)
    assert merged.covers(a)
    assert merged.covers(b)
    assert all(offset in (one.get(p), two.get(p)) for p, offset in merged.offsets.items())


def test_a_position_of_another_log_is_not_covered() -> None:
    assert not Position(LOG, {0: 5}).covers(Position("f" * 16, {0: 1}))
    with pytest.raises(InvalidPosition):
        Position(LOG, {}).merge(Position("f" * 16, {}))


@pytest.mark.parametrize("text", ["", "x", "2.0123456789abcdef", f"1.{LOG}.", f"1.{LOG}.a-1", f"1.{LOG}.0--1", ","])
def test_garbage_is_no_token(text: str) -> None:
    with pytest.raises(InvalidPosition):
        parse_position(text)


@given(st.text())
def test_any_text_is_a_token_or_invalid(text: str) -> None:
    with contextlib.suppress(InvalidPosition):
        parse_position(text)
