"""Showing how far a first start's download is."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from leaderboard.local.kafka_jars import Progress as Heard


@contextmanager
def shown(console: Console) -> Iterator[Heard]:
    """A progress bar that appears with the first byte and goes when the last has come."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    tasks: dict[str, TaskID] = {}

    def hear(what: str, done: int, total: int) -> None:
        if what not in tasks:
            bar.start()
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=total)
        if done >= total:
            bar.stop()

    try:
        yield hear
    finally:
        bar.stop()
