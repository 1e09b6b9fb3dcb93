"""Positions in the log: a vector partition → next offset, as one token. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

TOKEN = re.compile(r"1\.([0-9a-f]{8,32})((?:\.[0-9]{1,5}-[0-9]{1,19})*)")
LONGEST_TOKEN = 8192
"""Characters of a token or of a list of them: 1,024 partitions with 6 digits fit."""


class InvalidPosition(ValueError):
    """A text that is no position token, or a position of another log."""


@dataclass(frozen=True, slots=True)
class Position:
    """Everything before `offsets[p]` in partition p; a partition not named counts as 0."""

    incarnation: str
    offsets: Mapping[int, int]

    def __str__(self) -> str:
        """The token, `1.<incarnation>.<partition>-<next offset>…`, partitions in order."""
        named = (f".{partition}-{offset}" for partition, offset in sorted(self.offsets.items()) if offset)
        return f"1.{self.incarnation}{''.join(named)}"

    def covers(self, other: "Position") -> bool:
        """Whether everything that `other` contains is contained here too."""
        return self.incarnation == other.incarnation and all(
            self.offsets.get(partition, 0) >= offset for partition, offset in other.offsets.items()
        )

    def merge(self, other: "Position") -> "Position":
        """The least position that covers both. Raises InvalidPosition for positions of two logs."""
        if self.incarnation != other.incarnation:
            raise InvalidPosition(f"position of another log: {other.incarnation}, expected {self.incarnation}")
        partitions = self.offsets.keys() | other.offsets.keys()
        offsets = {p: max(self.offsets.get(p, 0), other.offsets.get(p, 0)) for p in partitions}
        return Position(self.incarnation, offsets)


def parse_position(text: str) -> Position:
    """Read one token, or several separated by commas (merged). Raises InvalidPosition."""
    if len(text) > LONGEST_TOKEN:
        raise InvalidPosition(f"a position token has at most {LONGEST_TOKEN} characters")
    first, *rest = [parse_token(part.strip()) for part in text.split(",")]
    for other in rest:
        first = first.merge(other)
    return first


def parse_token(text: str) -> Position:
    """Read one token. Raises InvalidPosition."""
    match = TOKEN.fullmatch(text)
    if match is None:
        raise InvalidPosition("not a position token")
    offsets: dict[int, int] = {}
    for pair in match[2].split(".")[1:]:
        partition, offset = pair.split("-")
        offsets[int(partition)] = int(offset)
    return Position(match[1], offsets)
