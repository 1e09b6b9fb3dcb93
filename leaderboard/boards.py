"""Boards as a file says they should be: what has to be done to get there. Pure."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.boards import Board, revision_problem
from shared.catalogue import MOST_BOARDS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS = ("starts_at", "ends_at")
"""Fields that hold milliseconds since 1970, and in a file may be a date and time with an offset."""


class InvalidFile(ValueError):
    """The file does not define boards; the message says which one and why."""


class Present(BaseModel):
    """A board that is in the system, as GET /api/v1/boards tells of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    board_id: str
    retired: bool
    revision: int
    definition: Board


class PresentBoards(BaseModel):
    """The answer of GET /api/v1/boards."""

    boards: Annotated[list[Present], Field(max_length=MOST_BOARDS)]


class Change(NamedTuple):
    """A field that a revision changes."""

    field: str
    old: object
    new: object


@dataclass(frozen=True, slots=True)
class Step:
    """What the file means for one board."""

    action: Literal["create", "revise", "unchanged", "refused"]
    board: Board
    expected_revision: int = 0
    """The revision that this one follows; 0: there is none."""
    changes: tuple[Change, ...] = ()
    reason: str = ""
    """Why it is refused."""

    @property
    def key(self) -> str:
        """The idempotency key: the same definition after the same revision is the same command, whoever sends it."""
        content = [definition_of(self.board), self.expected_revision]
        return f"apply-{hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do, in the order of the file, and the boards that the file does not name."""

    steps: tuple[Step, ...]
    left_alone: tuple[Present, ...]

    @property
    def to_do(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action in ("create", "revise"))

    @property
    def refused(self) -> tuple[Step, ...]:
        """The steps that cannot be taken."""
        return tuple(step for step in self.steps if step.action == "refused")


def read_boards(text: str) -> list[Board]:
    """The boards of a TOML file with [[board]] tables. Raises InvalidFile."""
    document = read_document(text)
    unknown = sorted(document.keys() - {"board"})
    if unknown or "board" not in document:
        found = f"; there is {', '.join(unknown)}" if unknown else ""
        raise InvalidFile(f"the file has to consist of [[board]] tables{found}")
    return boards_in(document)


def read_document(text: str) -> dict[str, Any]:
    """A TOML file. Raises InvalidFile."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(f"no TOML: {error}") from error


def boards_in(document: Mapping[str, Any]) -> list[Board]:
    """The boards of the [[board]] tables of a document. Raises InvalidFile."""
    tables = document.get("board", [])
    if not isinstance(tables, list) or ("board" in document and not tables):
        raise InvalidFile("board: [[board]] tables are expected")
    if len(tables) > MOST_BOARDS:
        raise InvalidFile(f"{len(tables)} boards; at most {MOST_BOARDS}")
    boards = [_read_board(number, table) for number, table in enumerate(tables, 1)]
    twice = {board.board_id for board in boards if sum(board.board_id == other.board_id for other in boards) > 1}
    if twice:
        raise InvalidFile(f"defined twice: {', '.join(sorted(twice))}")
    return boards


def plan(wanted: Sequence[Board], present: Sequence[Present], clock: int) -> Plan:
    """What makes the boards that are present those that are wanted, at a time in milliseconds."""
    held = {each.board_id: each for each in present}
    names = {board.board_id for board in wanted}
    steps = tuple(_step(board, held.get(board.board_id), clock) for board in wanted)
    return Plan(steps, tuple(each for each in present if each.board_id not in names))


def definition_of(board: Board) -> dict[str, Any]:
    """A board as the command API takes it: without the revision."""
    return board.model_dump(mode="json", exclude={"revision"})


def _step(board: Board, held: Present | None, clock: int) -> Step:
    if held is None:
        return Step("create", board)
    if held.retired:
        return Step("refused", board, held.revision, reason="it is retired; take another board_id")
    old, new = definition_of(held.definition), definition_of(board)
    changes = tuple(Change(field, old[field], new[field]) for field in new if old[field] != new[field])
    if not changes:
        return Step("unchanged", board, held.revision)
    problem = revision_problem(held.definition, board, clock)
    if problem is not None:
        return Step("refused", board, held.revision, changes, f"{problem[0]} {problem[1]}")
    return Step("revise", board, held.revision, changes)


def _read_board(number: int, table: object) -> Board:
    if not isinstance(table, Mapping):
        raise InvalidFile(f"board {number}: a [[board]] table is expected")
    name = f"board {number} ({table.get('board_id', 'without board_id')})"
    if "revision" in table:
        raise InvalidFile(f"{name}: revision: the system counts revisions, the file does not name them")
    fields = {field: _clock(name, field, value) if field in CLOCKS else value for field, value in table.items()}
    try:
        return Board.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise InvalidFile(f"{name}: {f'{field}: ' if field else ''}{first['msg']}") from error


def _clock(name: str, field: str, value: object) -> object:
    """Milliseconds since 1970, from a date and time of TOML; anything else as it is."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise InvalidFile(f"{name}: {field}: a date and time with its offset, such as 2027-06-01T18:00:00+02:00")
    return (value - EPOCH) // timedelta(milliseconds=1)
