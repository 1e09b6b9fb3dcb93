"""What clients ask for, decoded. Pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from notifier.streams import SIZES
from shared.boards import BoardId
from shared.identity import PlayerId
from shared.numbers import LARGEST

MOST_AROUND = 10
"""Rows above and below."""
Number = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
Text = Annotated[str, Field(max_length=512)]


class Request(BaseModel):
    """A request; the answer repeats its number."""

    model_config = ConfigDict(frozen=True)

    id: Number


class Hello(Request):
    """The first one."""

    ticket: Text | None = None
    """Who this is: of no effect until there are roles."""


class Top(Request):
    """Watch the first rows of a board."""

    board: BoardId
    n: Annotated[int, Field(strict=True, ge=1, le=SIZES[-1])]
    off: Text | None = None


class Me(Request):
    """Watch a player's rank."""

    board: BoardId
    player: PlayerId


class Around(Request):
    """Watch the rows around a player."""

    board: BoardId
    player: PlayerId
    k: Annotated[int, Field(strict=True, ge=1, le=MOST_AROUND)]


class Unsub(Request):
    """Watch a channel no more."""

    ch: Text


class Pos(Request):
    """Ask for the position of a channel."""

    ch: Text


class Pong(BaseModel):
    """I am here."""


Asked: TypeAlias = Hello | Top | Me | Around | Unsub | Pos | Pong
KINDS: Mapping[tuple[str, str | None], type[Asked]] = {
    ("hello", None): Hello,
    ("sub", "top"): Top,
    ("sub", "me"): Me,
    ("sub", "around"): Around,
    ("unsub", None): Unsub,
    ("pos", None): Pos,
    ("pong", None): Pong,
}


class NotOurs(ValueError):
    """A message that this protocol has no place for."""


class Wrong(ValueError):
    """A request that cannot be answered."""

    def __init__(self, number: int | None, code: Literal["unknown_op", "bad_request"], detail: str) -> None:
        super().__init__(detail)
        self.number, self.code, self.detail = number, code, detail


def objects(message: bytes) -> Iterator[dict[str, Any]]:
    """The objects of a message, one a line. Raises NotOurs."""
    for line in message.split(b"\n"):
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise NotOurs(f"not JSON: {error}") from error
        if not isinstance(found, dict):
            raise NotOurs("not a JSON object")
        yield found


def decode(fields: dict[str, Any]) -> Asked:
    """The request that an object is. Raises Wrong."""
    number, op = fields.get("id"), fields.get("op")
    number = number if type(number) is int and 0 <= number <= LARGEST else None
    ch = fields.get("ch") if op == "sub" else None
    kind = KINDS.get((op, ch)) if isinstance(op, str) and isinstance(ch, str | None) else None
    if kind is None:
        raise Wrong(number, "unknown_op", "hello, sub (ch: top, me or around), unsub, pos and pong are known")
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Wrong(number, "bad_request", f"{field}: {first['msg']}"[:300]) from error
