"""How a projector gets on, for those who watch it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.histogram import SECONDS, Histogram


@dataclass(slots=True)
class Progress:
    """Since the process began."""

    records: int = 0
    """Committed to the tables."""
    batches: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """Seconds from having the records of a batch to its commit."""
    held: int = 0
    """Partitions of topics, now."""
    ranks_known: bool = False
    """Whether, now, Redis holds everything that is committed."""

    @contextmanager
    def batch(self, records: int) -> Iterator[None]:
        """A batch is committed in the block; one that fails does not count."""
        began = time.perf_counter()
        yield
        self.batches.add(time.perf_counter() - began)
        self.records += records
