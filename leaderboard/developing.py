"""`leaderboard up --dev`: what is running follows the sources."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from watchfiles import DefaultFilter, watch

from leaderboard.building import SOURCES, install
from leaderboard.supervising import Command

ROOT = Path(__file__).parent.parent
CODE = ("command_api", "projector", "query_api", "notifier", "shared", "leaderboard")
SUFFIXES = (".py", ".lua", ".sql")


class Code(DefaultFilter):
    """Lets through what services are made of."""

    def __call__(self, change: object, path: str) -> bool:
        """Whether a change of this file matters."""
        return path.endswith(SUFFIXES) and super().__call__(change, path)  # type: ignore[arg-type]


def vite(port: int, front: int, say: Callable[[str], None]) -> Command:
    """vite's server, which hands /api and /ws on to the front process. Raises LocalServerError."""
    node = install(say)
    program = SOURCES / "node_modules" / "vite" / "bin" / "vite.js"
    argv = [str(node.program), str(program), str(SOURCES), "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    env = {**os.environ, "LEADERBOARD_URL": f"http://127.0.0.1:{front}"}
    return Command("web", argv, env, ours=False)


@contextmanager
def watched(changed: Callable[[], None], until: threading.Event) -> Iterator[None]:
    """Say so, from a thread, whenever the code of a service has changed."""
    watching = threading.Thread(target=_watch, args=(changed, until), daemon=True)
    watching.start()
    try:
        yield
    finally:
        until.set()
        watching.join(5)


def _watch(changed: Callable[[], None], until: threading.Event) -> None:
    folders = [ROOT / each for each in CODE]
    for _ in watch(*folders, watch_filter=Code(), stop_event=until, debounce=400, raise_interrupt=False):
        changed()
