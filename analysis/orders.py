"""What the processes of an export are told, and what they say; no pyarrow here, so that their parent does without."""

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from analysis.bookmark import Reached
from analysis.wishes import Format, Sieve

NAME = "export"


class Part(BaseModel):
    """A partition, from where to before which offset it is exported."""

    begin: Reached
    end: int


class Order(BaseModel):
    """What one process is to export."""

    folder: Path
    form: Format
    sieve: Sieve
    parts: list[Part]


class Written(BaseModel):
    """A block, or the end of one so far, is in its files."""

    reached: Reached
    records: int
    """That were read for it."""
    rows: int
    """That are new in the files."""


Told = Callable[[Written], None]
