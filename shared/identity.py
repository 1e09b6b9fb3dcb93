"""Identities: players, submissions, attempts."""

import re
from typing import Annotated
from uuid import UUID

import uuid_utils
from pydantic import BeforeValidator, Field

SUBMISSIONS = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "urn:leaderboard:submission")
"""The namespace of event ids. For ever: a retry after an upgrade must get the same id."""


def accept_integer(value: object) -> object:
    """A JSON integer is accepted as a player id and means its decimal string."""
    return str(value) if type(value) is int else value


PlayerId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
PlayerIdInput = Annotated[PlayerId, BeforeValidator(accept_integer)]
IdempotencyKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]


def event_id_of(player_id: str, key: str) -> str:
    """The id of the event that a player's command with this idempotency key makes.

    UUIDv5 (RFC 9562) over the length-prefixed player id and key, so that no two pairs run together.
    """
    return str(uuid_utils.uuid5(SUBMISSIONS, f"{len(player_id)}:{player_id}{len(key)}:{key}"))


def is_player_id(text: str) -> bool:
    """Whether a text may be a player's id."""
    return re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", text) is not None


def is_event_id(text: str) -> bool:
    """Whether a text is an event id as this project writes it."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def new_id() -> str:
    """A new unique id that sorts by time (UUIDv7)."""
    return str(uuid_utils.uuid7())
