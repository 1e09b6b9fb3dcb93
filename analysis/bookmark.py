"""How far an export is: a file in its folder that moves after those with the rows, so that a crash skips nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.wishes import Wishes
from shared.topics import Place, TopicName

NAME = "export.json"
LOCK = ".lock"


class NotExported(Exception):
    """The folder is not, or not so, to be exported into; the message says what to do."""


class Reached(BaseModel):
    """How far a partition is exported, and the block of records that its last files are of."""

    model_config = ConfigDict(frozen=True)

    topic: TopicName
    partition: int
    offset: int
    """The next one."""
    clock: int
    """The fold's, just before it."""
    first: int
    """Of the block: its files are named by it, and grow until it has its size."""
    records: int = 0
    """In the block so far, as in the log: the export may have taken less."""
    size: int = 0
    """Their bytes."""

    @property
    def place(self) -> Place:
        """Topic and partition."""
        return self.topic, self.partition


class Bookmark(BaseModel):
    """What an export is of, and how far it is."""

    version: int = 1
    incarnation: str
    wishes: Wishes
    finished: bool = False
    """Whether the last run reached what was then the end."""
    rows: int = 0
    reached: list[Reached] = []

    def move(self, to: Reached, rows: int) -> None:
        """A partition is further."""
        self.reached = [*(each for each in self.reached if each.place != to.place), to]
        self.rows += rows

    def save(self, folder: Path) -> None:
        """Write it, for good."""
        replace(folder / NAME, self.model_dump_json(indent=1).encode())


def load(folder: Path) -> Bookmark | None:
    """The bookmark of a folder; None where there is none. Raises NotExported."""
    try:
        return Bookmark.model_validate_json((folder / NAME).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise NotExported(f"{folder / NAME} is not of an export by this build: take another folder") from error


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another: a crash leaves either the one or the other."""
    new = path.with_name(f".{path.name}.tmp")
    new.write_bytes(content)
    settle(new, path)


def settle(new: Path, path: Path) -> None:
    """Give a file that is written its name, once the disk has it."""
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.rename(path)


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Nobody else exports into the folder while this file, by its descriptor, is open anywhere. Raises NotExported."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotExported(f"another export writes into {folder}: wait until it has ended") from error
        yield file.fileno()
