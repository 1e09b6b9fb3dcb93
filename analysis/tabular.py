"""Rows of a file of somebody else's: CSV, NDJSON or Parquet, each with the line or row that it is on."""

import csv
from collections.abc import Callable, Iterator, Mapping
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import pyarrow as arrow
import pyarrow.parquet as parquet

from shared.numbers import LARGEST

SAMPLE = 200
"""Rows that are looked at to find the columns."""
LONGEST_LINE = 1024 * 1024
"""Bytes of a line of NDJSON, characters of a field of CSV."""
AT_A_TIME = 10_000
"""Rows of Parquet."""
COUNT_EVERY = 5_000

Line: TypeAlias = tuple[int, Mapping[str, Any] | str]
"""A line, from 1 as editors count (of Parquet: the row), and its columns; or why it cannot be read."""
Count: TypeAlias = Callable[[int, int], None]


class UnreadableFile(Exception):
    """It is no file that can be imported; the message says what is expected."""


def read_lines(file: Path, count: Count | None = None) -> Iterator[Line]:
    """Every row, in order. `count` is told how many bytes (Parquet: rows) are read, of how many.

    Raises UnreadableFile.
    """
    lines = {".csv": _csv, ".ndjson": _ndjson, ".jsonl": _ndjson, ".parquet": _parquet}.get(file.suffix.lower())
    if lines is None:
        raise UnreadableFile(f"{file.name}: a .csv, .ndjson, .jsonl or .parquet file, or a folder, is expected")
    try:
        yield from lines(file, count or (lambda *_: None))
    except (OSError, UnicodeDecodeError, csv.Error, arrow.ArrowException) as error:
        raise UnreadableFile(f"{file.name}: {error}") from error


def look(file: Path) -> dict[str, Any]:
    """The columns of a file, each with a value from its first rows; None where there is none. Raises UnreadableFile."""
    found: dict[str, Any] = {}
    for _, row in islice(read_lines(file), SAMPLE):
        if isinstance(row, Mapping):
            for name, value in row.items():
                if found.get(name) is None:
                    found[name] = value
    if not found:
        raise UnreadableFile(f"{file.name}: there is no row in it")
    return found


def _csv(file: Path, count: Count) -> Iterator[Line]:
    size = file.stat().st_size
    csv.field_size_limit(LONGEST_LINE)
    with file.open("rb") as raw:
        reader = csv.reader(TextIOWrapper(raw, "utf-8-sig", newline=""), strict=True)
        names = next(reader, [])
        if len(set(names)) != len(names):
            raise UnreadableFile(f"{file.name}: the first line has to name the columns, each once")
        for number, row in enumerate(reader):
            if not row:
                continue
            if number % COUNT_EVERY == 0:
                count(raw.tell(), size)
            if len(row) != len(names):
                yield reader.line_num, f"{len(names)} fields are expected, not {len(row)}"
            else:
                yield reader.line_num, {name: value or None for name, value in zip(names, row, strict=True)}
    count(size, size)


def _ndjson(file: Path, count: Count) -> Iterator[Line]:
    size, read = file.stat().st_size, 0
    with file.open("rb") as opened:
        number = 0
        while line := opened.readline(LONGEST_LINE):
            number, read = number + 1, read + len(line)
            if number % COUNT_EVERY == 0:
                count(read, size)
            if line.strip():
                yield number, _object(line)
    count(size, size)


def _object(line: bytes) -> Mapping[str, Any] | str:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"no JSON: {error}"
    return found if isinstance(found, dict) else "a JSON object is expected"


def _parquet(file: Path, count: Count) -> Iterator[Line]:
    with parquet.ParquetFile(file) as opened:
        total, number = opened.metadata.num_rows, 0
        for batch in opened.iter_batches(batch_size=AT_A_TIME):
            for row in batch.to_pylist():
                number += 1
                yield number, row
            count(number, total)


def integer(value: Any) -> Any:
    """A whole number that is written as text or as a float, as an integer; anything else as it is."""
    if isinstance(value, str) and value.strip().lstrip("+-").isdigit() and len(value) < 20:
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST else value
