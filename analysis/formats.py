"""The files of an exported log: rows as Arrow tables, written as Parquet, NDJSON or CSV, and read back."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from analysis.columns import Row
from analysis.wishes import Format

MILLISECONDS = pa.timestamp("ms", tz="UTC")
TYPES = {
    "partition": pa.int32(),
    "offset": pa.int64(),
    "recorded_at": MILLISECONDS,
    "clock": MILLISECONDS,
    "time": pa.timestamp("us", tz="UTC"),
    "catalogue": pa.int64(),
    "score": pa.int64(),
    "registered_only": pa.bool_(),
}
SCHEMA = pa.schema([(name, TYPES.get(name, pa.string())) for name in Row._fields])
TIMES = tuple(name for name, kind in TYPES.items() if pa.types.is_timestamp(kind))
REPEATED = ["topic", "key", "event_type", "source", "subject", "dataschema", "actor", "player_id", "game_mode"]
"""Columns with few values: in others a dictionary would only take room and time."""
BAGS = ("metadata", "attributes", "data")
"""Columns that are JSON text; in NDJSON the values themselves."""


def batch_of(rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows as columns."""
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def write(table: pa.Table, path: Path, form: Format) -> None:
    """Write a whole file."""
    match form:
        case "parquet":
            pyarrow.parquet.write_table(table, path, compression="zstd", compression_level=1, use_dictionary=REPEATED)
        case "csv":
            pyarrow.csv.write_csv(table, path)
        case "ndjson":
            with path.open("wb") as file:
                for batch in table.to_batches(max_chunksize=1_000):
                    file.writelines(map(_line, batch.to_pylist()))


def read(path: Path, form: Format) -> pa.Table:
    """Read a whole file. Raises ArrowInvalid, JSONDecodeError or KeyError for one that `write` did not write."""
    match form:
        case "parquet":
            return pyarrow.parquet.read_table(path, schema=SCHEMA, partitioning=None)
        case "csv":
            types = pyarrow.csv.ConvertOptions(
                column_types=SCHEMA, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
            )
            parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
            return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=types)
        case "ndjson":
            with path.open("rb") as file:
                return pa.Table.from_pylist(list(map(_row, file)), schema=SCHEMA)


def _line(row: dict[str, Any]) -> bytes:
    said = {name: value for name, value in row.items() if value is not None}
    for name in BAGS:
        if name in said:
            said[name] = orjson.Fragment(said[name])
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def _row(line: bytes) -> dict[str, Any]:
    row: dict[str, Any] = orjson.loads(line)
    for name in TIMES:
        if name in row:
            row[name] = datetime.fromisoformat(row[name]).astimezone(UTC)
    return row | {name: orjson.dumps(row[name]).decode() for name in BAGS if name in row}
