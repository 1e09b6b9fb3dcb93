"""A file of JSON lines, one a fact, each on disk before the next thing happens."""

from pathlib import Path
from typing import IO, Generic, Self, TypeVar

import orjson

T = TypeVar("T")


class Journal(Generic[T]):
    """Appends frozen dataclasses to a file; used by one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[bytes] = path.open("ab")

    def write(self, item: T) -> None:
        """Append one, flushed: a killed run has all that it knew."""
        self._file.write(orjson.dumps(item) + b"\n")
        self._file.flush()
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read_journal(path: Path, kind: type[T]) -> list[T]:
    """All lines of a file as what they were; a last line that was torn by a kill is left out."""
    return [kind(**orjson.loads(line)) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
