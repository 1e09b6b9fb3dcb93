"""A timing wheel: what is due when, without a timer for each. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
STEP = 0.1
"""Seconds: what is due within them is due together."""


@dataclass(slots=True)
class Wheel(Generic[T]):
    """Items by the time at which they are due, in seconds of any clock that never goes back."""

    turned: int = 0
    """The last step that has been handed out."""
    _slots: dict[int, list[T]] = field(default_factory=dict)

    def add(self, item: T, at: float) -> None:
        """Something is due at a time."""
        self._slots.setdefault(max(int(at / STEP) + 1, self.turned + 1), []).append(item)

    def due(self, now: float) -> Iterator[T]:
        """What is due by now, once."""
        turned = int(now / STEP)
        for slot in sorted(each for each in self._slots if each <= turned):
            yield from self._slots.pop(slot)
        self.turned = max(self.turned, turned)
