"""What the routes have in common: the headers they take, the problems they give, the answers they write."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from command_api.domain import Refused
from command_api.profiles import ProfilesUnavailable
from shared.appender import LogBusy
from shared.identity import IdempotencyKey, new_id
from shared.log import LogUnavailable
from shared.problems import PROBLEM_CONTENT, Problem, invalid

KEY: TypeAdapter[str] = TypeAdapter(IdempotencyKey)
DryRun = Annotated[bool, Query(description="say what would change, and change nothing")]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": PROBLEM_CONTENT}
    for status, text in {
        400: "The body is not JSON",
        403: "The player is banned",
        404: "Unknown player, where registration is required",
        409: "The Idempotency-Key was used with other content, or the board takes this score no more or not yet",
        410: "The player was erased",
        413: "The body is too large",
        415: "The body is not application/json",
        422: "A field is not valid",
        429: "Too many submissions are on their way",
        503: "The log did not answer: outcome unknown, retry with the key",
    }.items()
}
ADMIN_PROBLEMS: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    401: {"description": "Not the admin key", "content": PROBLEM_CONTENT},
    403: {"description": "LEADERBOARD_ADMIN_KEY is not set", "content": PROBLEM_CONTENT},
}


def described(schema: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI of a body that a route reads itself, and of the headers it takes."""
    header = {"in": "header", "required": False, "schema": {"type": "string"}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "parameters": [
            {**header, "name": "Idempotency-Key", "description": "1-255 printable ASCII characters, no spaces"},
            {**header, "name": "Prefer", "description": "`respond-async`: do not wait for the outcome"},
        ],
    }


def key_of(request: Request) -> str:
    """The client's Idempotency-Key, or a new one. Raises Problem."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return new_id()
    try:
        return KEY.validate_python(given)
    except ValidationError as error:
        raise invalid("Idempotency-Key", given, "1-255 printable ASCII characters, no spaces") from error


def waits(request: Request) -> bool:
    """Whether the client wants the outcome in the answer."""
    return "respond-async" not in request.headers.get("prefer", "")


def traceparent(request: Request) -> str | None:
    """The caller's trace context, if it has the length and the characters of one (W3C)."""
    given = request.headers.get("traceparent", "")
    return given if len(given) == 55 and given.replace("-", "").isalnum() and given.isascii() else None


def json_answer(status: int, body: str, headers: Mapping[str, str]) -> Response:
    """An answer whose body is JSON already."""
    return Response(body, status, headers, "application/json")


def problem_of(error: Exception, key: str) -> Problem | None:
    """The problem that an error of a submission is, with the key to retry with; None for any other error."""
    headers = {"Idempotency-Key": key, "Retry-After": "1"}
    match error:
        case Refused():
            return invalid(error.field, error.got, error.expected)
        case ProfilesUnavailable():
            detail = f"nothing was done: {error}"
            return Problem(503, "unavailable", detail, headers=headers, idempotency_key=key)
        case LogBusy():
            detail = "too many submissions are on their way; nothing was done"
            return Problem(429, "busy", detail, headers=headers, idempotency_key=key)
        case LogUnavailable():
            detail = "the log did not answer in time: outcome unknown, retry with this key"
            return Problem(503, "outcome-unknown", detail, headers=headers, idempotency_key=key)
        case _:
            return None


class answered:
    """Turns what an append may raise into problems that name the key to retry with."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        problem = problem_of(error, self._key) if isinstance(error, Exception) else None
        if problem is not None:
            raise problem from error
