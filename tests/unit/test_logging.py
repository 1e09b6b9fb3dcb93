"""A library that says the same of every retry does not fill the disk."""

import logging

from shared.logging import Sparing


def test_only_so_many_lines_of_a_second_pass() -> None:
    sparing = Sparing(2)

    def passes(second: float) -> bool:
        record = logging.makeLogRecord({"created": second})
        return sparing.filter(record)

    assert [passes(10.1), passes(10.2), passes(10.9), passes(11.0), passes(11.1), passes(11.2)] == [
        *(True, True, False),
        *(True, True, False),
    ]
