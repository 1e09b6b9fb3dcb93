"""The newest records of several partitions."""

from query_api.tail import newest_of
from shared.records import Record


def record(partition: int, offset: int, timestamp: int) -> Record:
    return Record(partition, offset, timestamp, None, None)


def places(records: list[Record]) -> list[tuple[int, int]]:
    return [(each.partition, each.offset) for each in records]


def test_the_newest_come_first_over_all_partitions() -> None:
    partitions = [[record(0, 1, 10), record(0, 2, 30)], [record(1, 7, 20)], []]
    assert places(newest_of(partitions, 2)) == [(0, 2), (1, 7)]
    assert places(newest_of(partitions, 9)) == [(0, 2), (1, 7), (0, 1)]


def test_where_the_clock_went_back_nothing_is_left_out() -> None:
    partitions = [[record(0, 1, 50), record(0, 2, 10)], [record(1, 1, 20), record(1, 2, 40)]]
    assert places(newest_of(partitions, 2)) == [(1, 2), (1, 1)]
    assert places(newest_of(partitions, 3)) == [(1, 2), (1, 1), (0, 2)]
