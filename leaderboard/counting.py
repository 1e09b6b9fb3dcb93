"""Showing how far many records are: per cent, records a second, how long it will take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

EVERY = 5.0
"""Seconds between two lines where there is no terminal."""

Count = Callable[[int, int], None]
"""Told how many are done, of how many."""


class Speed(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        """As text."""
        return Text(f"{task.speed or 0:,.0f}/s")


@contextmanager
def counted(console: Console, what: str) -> Iterator[Count]:
    """A bar on a terminal, else a line every few seconds."""
    if not console.is_terminal:
        yield _Lines(console, what).count
        return
    columns = TextColumn(what), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), Speed(), TimeLeft()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=done < total)


class _Lines:
    def __init__(self, console: Console, what: str) -> None:
        self._console = console
        self._what = what
        self._began = self._said = time.monotonic()

    def count(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said < EVERY and done < total:
            return
        self._said = now
        self._console.print(line(self._what, done, total, now - self._began))


def line(what: str, done: int, total: int, seconds: float) -> str:
    """How far it is after so many seconds."""
    speed = done / seconds if seconds > 0 else 0.0
    left = f"{(total - done) / speed:.0f} s left" if speed else "no estimate yet"
    return f"{what}: {100 * done / max(1, total):.0f} %, {done:,} of {total:,}, {speed:,.0f} a second, {left}"
