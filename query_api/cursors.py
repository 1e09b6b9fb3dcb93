"""Cursors: a point in the order of one season of a board, and which way to go on from there; signed. Pure.

The signature keeps clients from building on what is inside; nothing inside is secret.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

import orjson

from shared.questions import Key

SIGNATURE = 16
"""Bytes of HMAC-SHA256 that a cursor carries."""
LONGEST_CURSOR = 512


class InvalidCursor(ValueError):
    """A text that is no cursor of this system, or one of another board or season."""


class Cursor(NamedTuple):
    """Where to go on."""

    season: str
    key: Key
    backward: bool


def encode_cursor(secret: bytes, board_id: str, cursor: Cursor) -> str:
    """The text that a client gets."""
    body = orjson.dumps([board_id, cursor.season, int(cursor.backward), *cursor.key])
    return base64.urlsafe_b64encode(_sign(secret, body) + body).decode().rstrip("=")


def decode_cursor(secret: bytes, board_id: str, season: str | None, text: str) -> Cursor:
    """Read what a client sent back; `season` None: a cursor of any season. Raises InvalidCursor."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise InvalidCursor("not a cursor") from error
    signature, body = raw[:SIGNATURE], raw[SIGNATURE:]
    if not hmac.compare_digest(signature, _sign(secret, body)):
        raise InvalidCursor("not a cursor of this system")
    of_board, of_season, backward, *key = orjson.loads(body)
    if of_board != board_id or season not in (None, of_season):
        raise InvalidCursor(f"a cursor of {of_board}/{of_season}")
    return Cursor(of_season, Key(*key), bool(backward))


def _sign(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, body, hashlib.sha256)[:SIGNATURE]
