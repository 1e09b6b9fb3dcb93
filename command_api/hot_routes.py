"""The hot route of the command side: the same function as in `routes.py`, without the framework around it."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope

from command_api.routes import submit
from shared.hot import Handlers
from shared.problems import response_to


async def submit_at_once(scope: Scope, receive: Receive) -> ASGIApp:
    """Submit a score."""
    request = Request(scope, receive)
    try:
        return await submit(request)
    except Exception as error:  # as the framework does: nobody is left without an answer
        return response_to(request, error)


HOT: Handlers = {("POST", "/api/leaderboard/submit"): submit_at_once}
