"""Errors as RFC 9457 problem+json: what is wrong, in which field, what came, what was expected."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

CLIENT_LEFT = 499
"""The status by which logs and metrics tell a client that left while it sent from an error of ours; as nginx's."""
LONGEST_ECHO = 100
"""Characters of a wrong value that an answer repeats."""

PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
"""What OpenAPI says of an answer that is an error; `add_handlers` puts the schema where this points."""

log = structlog.get_logger()


class FieldError(BaseModel):
    """One wrong field."""

    field: str
    """Its path; empty: the whole body."""
    got: str
    """What came, shortened."""
    expected: str


class ProblemDetails(BaseModel):
    """An answer that is an error (RFC 9457). Some kinds have members of their own besides."""

    model_config = ConfigDict(extra="allow")

    type: str
    """`urn:leaderboard:problem:` and the stable name of the kind."""
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    """The wrong fields, where fields are wrong."""


class Problem(Exception):
    """An answer that is an error. `kind` is its stable name, the end of the `type` URN."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.members = members

    def body(self) -> dict[str, Any]:
        """The members of the answer."""
        body: dict[str, Any] = {
            "type": f"urn:leaderboard:problem:{self.kind}",
            "title": self.kind.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return body

    def response(self) -> Response:
        """The answer."""
        return Response(orjson.dumps(self.body()), self.status, self.headers, "application/problem+json")


def field_error(field: str, got: object, expected: str) -> dict[str, str]:
    """One wrong field: its path, the value that came (shortened) and what was expected."""
    return {"field": field, "got": _echo(got), "expected": expected}


def invalid(field: str, got: object, expected: str, *, status: int = 422) -> Problem:
    """A problem with a single wrong field."""
    error = field_error(field, got, expected)
    return Problem(status, "invalid-request", f"{field}: {expected}, got {error['got']}", errors=[error])


def unavailable(detail: str) -> Problem:
    """A part that is needed does not answer now; the client may ask again."""
    return Problem(503, "unavailable", detail, headers={"Retry-After": "1"})


def from_validation(errors: Sequence[Mapping[str, Any]], *, skip: int = 0) -> Problem:
    """The problem for pydantic's errors; `skip` leading parts of each location are not shown."""
    if errors[0]["type"] == "json_invalid":
        reason = errors[0].get("ctx", {}).get("error", errors[0]["msg"])
        return Problem(400, "invalid-json", f"the body is not JSON: {reason}", errors=[field_error("", "", "JSON")])
    fields = [_field(error, skip) for error in errors[:20]]
    detail = "; ".join(f"{each['field'] or 'body'}: {each['expected']}" for each in fields[:3])
    return Problem(422, "invalid-request", detail, errors=fields)


def add_handlers(app: FastAPI) -> None:
    """Make every error of an app a problem, those of the framework too, and say in its OpenAPI what that is."""
    document = app.openapi
    app.openapi = lambda: _with_problems(document())  # type: ignore[method-assign]
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(ValidationError, _on_validation)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {**schema.pop("$defs"), "ProblemDetails": schema}
    return document


def _field(error: Mapping[str, Any], skip: int) -> dict[str, str]:
    path = ".".join(str(part) for part in error["loc"][skip:])
    missing = error["type"] == "missing"
    return {
        "field": path,
        "got": "nothing" if missing else _echo(error.get("input")),
        "expected": "this field is required" if missing else str(error["msg"]),
    }


def _echo(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_ECHO else f"{text[:LONGEST_ECHO]}… ({len(text)} characters)"


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError | RequestValidationError)
    return from_validation(error.errors(), skip=isinstance(error, RequestValidationError)).response()


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return Problem(error.status_code, kind, detail, headers=error.headers).response()


async def _on_bug(request: Request, error: Exception) -> Response:
    return response_to(request, error)


def response_to(request: Request, error: Exception) -> Response:
    """The answer to a request that ended in an error: a problem, or a bug of ours."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, ClientDisconnect):  # nobody is there to read it
        return Response(status_code=CLIENT_LEFT)
    log.error("request_failed", path=request.url.path, exc_info=error)
    return Problem(500, "internal-error", "an error of ours; it is in the log").response()
