"""The log has to go on where the tables end, or nothing is followed."""

import pytest

from projector.batch import Mark
from projector.continuity import Continuity, LogDamaged
from shared.records import Record, checksum
from shared.topics import Place, TopicName
from tests.builders import log_of, score_bytes

LOG = [each.record for each in log_of(*(("ann", score_bytes("ann", n, f"k{n}")) for n in range(1, 6)))]
HERE: Place = "events", 0
INCARNATIONS: dict[TopicName, str] = {"events": "0123456789abcdef", "players": "0123456789abcdef"}


def at(offset: int, stops: dict[Place, int] | None = None) -> Continuity:
    crc = checksum(LOG[offset - 1]) if offset else None
    return Continuity({HERE: Mark(offset, crc)}, INCARNATIONS, stops or {})


def followed(continuity: Continuity, records: list[Record], topic: TopicName = "events") -> list[int]:
    return [record.offset for _, record in continuity.follow((topic, record) for record in records)]


def test_reading_begins_at_the_record_applied_last_which_is_not_followed_again() -> None:
    continuity = at(3)
    assert continuity.begin() == {HERE: 2}
    assert followed(continuity, LOG[2:]) == [3, 4, 5]
    assert followed(continuity, LOG) == []


def test_a_new_partition_begins_with_the_name_of_its_log() -> None:
    assert followed(at(0), LOG) == [0, 1, 2, 3, 4, 5]
    foreign = Continuity({HERE: Mark(0)}, {"events": "f" * 16, "players": ""}, {})
    with pytest.raises(LogDamaged, match="this is log 0123456789abcdef, expected ffffffffffffffff"):
        followed(foreign, LOG)


@pytest.mark.parametrize(
    "changed",
    [
        LOG[2]._replace(value=b"other"),
        LOG[2]._replace(timestamp=LOG[2].timestamp + 1),
        LOG[2]._replace(key=b"bob"),
        LOG[2]._replace(key=None),
        LOG[2]._replace(value=None),
    ],
)
def test_another_record_in_the_place_of_the_last_one_is_found(changed: Record) -> None:
    with pytest.raises(LogDamaged, match="offset 2 holds another record"):
        followed(at(3), [changed, *LOG[3:]])


def test_a_hole_is_found_but_not_where_compaction_makes_holes() -> None:
    with pytest.raises(LogDamaged, match="offset 4 follows on 2"):
        followed(at(3), [LOG[2], LOG[4]])
    with pytest.raises(LogDamaged, match="offset 3 follows on 0"):
        followed(at(1), [LOG[3]])
    compacted = Continuity({("players", 0): Mark(1)}, INCARNATIONS, {})
    assert followed(compacted, [LOG[2], LOG[5]], "players") == [2, 5]


def test_a_stopped_partition_is_followed_up_to_before_its_stop() -> None:
    continuity = at(1, {HERE: 3})
    assert followed(continuity, LOG) == [1, 2]
    assert continuity.begin() == {}
    assert continuity.behind({HERE: 6}) == []


def test_the_ends_of_the_log_are_compared() -> None:
    at(3).check_ends({HERE: 0}, {HERE: 3})
    assert at(3).behind({HERE: 3}) == []
    assert at(3).behind({HERE: 4}) == [HERE]
    with pytest.raises(LogDamaged, match="the log ends at 2, 3 were applied: restore the log, or `leaderboard reset`"):
        at(3).check_ends({HERE: 0}, {HERE: 2})
    with pytest.raises(LogDamaged, match="the log begins at 3, offset 2 is needed"):
        at(3).check_ends({HERE: 3}, {HERE: 9})
