"""The settings by which Kafka forgets."""

from hypothesis import given
from hypothesis import strategies as st

from shared.clock import now
from shared.settings import KafkaSettings
from shared.topics import TOMBSTONES_KEPT_MS, compaction_lag, longest_silence

LARGEST_LONG = 2**63 - 1


@given(st.floats(0.001, 8760))
def test_a_quarter_of_the_bound_is_left_for_the_cleaner(hours: float) -> None:
    within = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": "k", "erase_within_hours": hours}).erase_within_ms
    assert 0 < compaction_lag(within) + longest_silence(within) <= within * 3 / 4


def test_tombstones_are_kept_and_kafka_can_add_it_to_the_present_time() -> None:
    assert now() + TOMBSTONES_KEPT_MS <= LARGEST_LONG
