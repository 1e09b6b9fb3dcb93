"""Who should own which partition: pure. Everyone decides alike, from the same rows."""

from collections.abc import Collection, Mapping
from typing import NamedTuple


class Lease(NamedTuple):
    """A partition's lease, as the database sees it now."""

    owner: str | None
    live: bool
    """Whether `lease_until` is still to come."""


class Change(NamedTuple):
    """What a projector should do about its partitions."""

    release: frozenset[int] = frozenset()
    take: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.release or self.take)


def fair_share(partitions: int, projectors: int) -> int:
    """The most partitions that one of several projectors should own."""
    return -(-partitions // projectors)


def plan(me: str, alive: Collection[str], leases: Mapping[int, Lease], held: Collection[int]) -> Change:
    """What `me`, who holds `held`, should give back and take.

    Whoever has more than a fair share gives back the rest at the next boundary of a batch, whoever has less takes
    what is free: there is no stealing.
    """
    share = fair_share(len(leases), len({*alive, me}))
    if len(held) > share:
        return Change(release=frozenset(sorted(held)[share:]))
    free = sorted(number for number, lease in leases.items() if number not in held and _is_free(lease))
    return Change(take=frozenset(free[: share - len(held)]))


def _is_free(lease: Lease) -> bool:
    return lease.owner is None or not lease.live
