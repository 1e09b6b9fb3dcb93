"""The nginx of compose/ against what it stands for: the routes of each service, and what the front process sends."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI

from command_api.routes import add_routes as add_commands
from leaderboard.web import HEADERS, PAGES
from notifier.gate import STREAM, WATCH
from notifier.routes import router as live
from query_api.board_routes import add_routes as add_boards
from query_api.routes import router as queries

CONF = Path(__file__).parents[2] / "compose" / "nginx.conf"


@pytest.fixture(scope="module")
def conf() -> str:
    return CONF.read_text()


def service_of(conf: str, method: str, path: str) -> str:
    """What the map in the file says."""
    rules = re.search(r'map "\$request_method \$uri" \$service \{(.*?)\n    \}', conf, re.DOTALL)
    assert rules is not None
    for pattern, service in re.findall(r'"~(.*)" (\S+);', rules[1]):
        if re.search(pattern, f"{method} {path}"):
            return str(service)
    default = re.search(r"default (\S+);", rules[1])
    assert default is not None
    return default[1]


def calls(add: Callable[[FastAPI], object]) -> list[tuple[str, str]]:
    """Method and path of each route, with an id in the place of each parameter."""
    app = FastAPI()
    add(app)
    return [
        (method.upper(), re.sub(r"\{.*?\}", "x1", path))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    ]


def add_queries(app: FastAPI) -> None:
    app.include_router(queries)
    add_boards(app)


def test_each_call_goes_to_the_service_that_has_the_route(conf: str) -> None:
    sockets = [("GET", STREAM), ("GET", f"{WATCH}ann")]
    wanted = {
        "command-api": calls(add_commands),
        "query-api": calls(add_queries),
        "notifier": [*calls(lambda app: app.include_router(live)), *sockets],
    }
    assert all(wanted.values())
    wrong = [
        (service, *call, found)
        for service, known in wanted.items()
        for call in known
        if (found := service_of(conf, *call)) != service
    ]
    assert not wrong


def test_pages_and_headers_are_those_of_the_front_process(conf: str) -> None:
    sent = dict(re.findall(r'add_header (\S+) "?([^"]*?)"? always;', conf))
    assert {name: sent.get(name) for name in HEADERS} == HEADERS
    assert f"location ~ ^{PAGES.pattern}$" in conf
