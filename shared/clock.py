"""The clock of this machine: which season is the present one. The fold has a clock of its own and never asks this."""

import time


def now() -> int:
    """Milliseconds since 1970 UTC, as fold clocks are counted."""
    return time.time_ns() // 1_000_000
