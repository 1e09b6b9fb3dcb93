"""What a load generator has seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Load:
    """One run of a generator. Latencies in milliseconds; of a batch they are those of the whole request."""

    operations: int
    """Good answers; of batches the scores in them that became what was asked for."""
    seconds: float
    p50: float
    p90: float
    p99: float
    p999: float
    worst: float
    cpu: float
    """Seconds of CPU that the generator used."""
    errors: dict[str, int] = field(default_factory=dict)
    """Anything but a good answer: by status or kind of error, how many."""
    late: float | None = None
    """Of an open loop: by how much the generator itself was late, p99; it is part of the latencies."""
    first_due: float | None = None
    """Of an open loop: when its first request was due, by the monotonic clock, seconds."""

    @property
    def throughput(self) -> float:
        """Good answers a second."""
        return self.operations / self.seconds


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of all are below or at; 0 where there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def load_of(
    latencies: Sequence[float], seconds: float, cpu: float, errors: dict[str, int], late: float | None = None
) -> Load:
    """From the latencies of the good answers, in seconds."""
    ordered = sorted(each * 1000 for each in latencies)
    p50, p90, p99, p999 = (percentile(ordered, share) for share in (0.5, 0.9, 0.99, 0.999))
    return Load(len(ordered), seconds, p50, p90, p99, p999, ordered[-1] if ordered else 0.0, cpu, errors, late)
