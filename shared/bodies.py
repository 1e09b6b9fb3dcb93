"""Request bodies: bounded, JSON, validated at once from their bytes."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from shared.problems import Problem, from_validation, invalid

LARGEST_BODY = 64 * 1024
"""Bytes."""

M = TypeVar("M", bound=BaseModel)


async def read_model(request: Request, model: type[M], limit: int = LARGEST_BODY) -> M:
    """The body, of at most `limit` bytes, as a model.

    Raises Problem: 415 not JSON by its type, 413 too large, 400 no JSON, 422 invalid.
    """
    body = await read_json(request, limit)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False)) from error


async def read_json(request: Request, limit: int = LARGEST_BODY) -> bytes:
    """The bytes of a JSON body, at most `limit`. Raises Problem (415, 413)."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise invalid("content-type", media_type, "application/json", status=415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Problem(413, "body-too-large", f"the body has more than {limit} bytes")
    return bytes(body)
