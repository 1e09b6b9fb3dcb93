"""The fold of one partition of the events topic from its beginning, each player's state apart. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from shared.catalogue import Catalogue
from shared.fold.fold import fold
from shared.fold.state import Partition, SeasonEnd, SeasonEndKey, State, Step
from shared.records import Received


@dataclass(slots=True)
class Folding:
    """A partition, folded so far.

    A ruling derives a player's rows from all that the player has: among everybody's they would have to be looked for.
    """

    catalogue: Catalogue
    partitions: dict[int, Partition] = field(default_factory=dict)
    ended: dict[SeasonEndKey, SeasonEnd] = field(default_factory=dict)
    states: dict[bytes | None, State] = field(default_factory=dict)
    """By the key of the record: that is the player."""

    def take(self, received: Received) -> Step | None:
        """Fold a record; None where it has no outcome. Raises Unfoldable."""
        key = received.record.key
        state = self.states.get(key)
        if state is None:
            state = self.states[key] = State(self.partitions, ended=self.ended)
        return fold(state, self.catalogue, received)

    def rows(self, table: str) -> Iterator[Any]:
        """Every player's rows of a kind."""
        of = attrgetter(table)
        return (row for state in self.states.values() for row in of(state).values())
