"""Who may define boards and rule on scores and players: whoever knows the one admin key."""

import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from pydantic import SecretStr

from shared.problems import Problem

ACTOR = "admin"
"""The actor of every fact that comes of it."""
BEARER = HTTPBearer(auto_error=False, description="The value of LEADERBOARD_ADMIN_KEY")


def check_key(key: SecretStr | None, authorization: str | None) -> None:
    """Let a request with this Authorization header pass. Raises Problem: 403 no key is set, 401 not this one."""
    if key is None:
        detail = "no admin key is set here: set LEADERBOARD_ADMIN_KEY (at least 16 characters) for the command API"
        raise Problem(403, "admin-key-not-set", detail)
    scheme, _, given = (authorization or "").partition(" ")
    # Headers are read as Latin-1: back to the bytes that came. compare_digest refuses texts beyond ASCII.
    same = hmac.compare_digest(given.strip().encode("latin-1"), key.get_secret_value().encode())
    if scheme.lower() != "bearer" or not same:
        detail = "this needs Authorization: Bearer with the admin key"
        raise Problem(401, "not-authorized", detail, headers={"WWW-Authenticate": 'Bearer realm="leaderboard"'})


async def admin_only(request: Request, _: Annotated[object, Depends(BEARER)]) -> None:
    """Dependency of the routes that need the key. Raises Problem."""
    check_key(request.state.commands.submitting.settings.admin_key, request.headers.get("authorization"))
