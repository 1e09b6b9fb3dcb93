"""The order codec: Redis's own order is rank order."""

from hypothesis import given
from hypothesis import strategies as st

from shared.boards import Order
from shared.numbers import LARGEST
from shared.ranking import (
    CLOCK_WIDTH,
    Standing,
    decode_standing,
    encode_detail,
    encode_member,
    order_key,
    sort_value,
)

CLOCKS = st.integers(0, 16**CLOCK_WIDTH - 1) | st.sampled_from([0, 1, 2])
STANDINGS = st.builds(
    Standing,
    player_id=st.from_regex(r"\A[A-Za-z0-9_.:-]{1,64}\Z"),
    value=st.integers(-LARGEST, LARGEST) | st.sampled_from([0, 1, -1, 2**52]),
    reached_at=CLOCKS,
    games_played=st.integers(1, 10**9),
    updated_at=CLOCKS,
    event_id=st.just(""),
)
ORDERS = st.sampled_from(["desc", "asc"])


@given(ORDERS, STANDINGS)
def test_what_is_encoded_is_decoded(order: Order, standing: Standing) -> None:
    score = float(sort_value(order, standing.value))
    assert decode_standing(order, encode_member(standing), score, encode_detail(standing)) == standing


@given(ORDERS, STANDINGS)
def test_the_detail_gives_the_member(order: Order, standing: Standing) -> None:
    assert encode_detail(standing)[:CLOCK_WIDTH] + standing.player_id == encode_member(standing)


@given(ORDERS, st.lists(STANDINGS, max_size=20))
def test_redis_orders_as_the_domain_does(order: Order, standings: list[Standing]) -> None:
    in_redis = sorted(standings, key=lambda s: (float(sort_value(order, s.value)), encode_member(s).encode()))
    by_domain = sorted(standings, key=lambda s: order_key(order, s))
    assert [order_key(order, s) for s in in_redis] == [order_key(order, s) for s in by_domain]
