"""docs/asyncapi.json, as something to hold real messages against."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft202012Validator

DOCUMENT = Path(__file__).parent.parent / "docs" / "asyncapi.json"


@cache
def document() -> dict[str, Any]:
    """The document."""
    read: dict[str, Any] = orjson.loads(DOCUMENT.read_bytes())
    return read


def kind_of(message: dict[str, Any]) -> str:
    """What a message of the server is called in the document."""
    return str(message.get("t", "leaderboardUpdate"))


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/messages/{name}/payload", "components": document()["components"]}
    return Draft202012Validator(schema)


def assert_described(message: dict[str, Any], name: str | None = None) -> None:
    """The message is what the document says of its kind."""
    errors = [error.message for error in _validator(name or kind_of(message)).iter_errors(message)]
    assert not errors, (message, errors)
