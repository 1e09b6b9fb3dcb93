"""The compose files: valid wherever `docker compose` is, and run where an engine answers."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import aiohttp
import pytest
from websockets.asyncio.client import connect

from tests.compose import (
    CLUSTER,
    DEVELOPMENT,
    FOLDER,
    OBSERVED,
    PRODUCTION,
    Compose,
    composed,
    has_compose,
    make_secrets,
)
from tests.e2e.test_thread import name
from tests.servers import contained
from tests.stack import ROOT, answers, eventually, free_port

composes = pytest.mark.skipif(not has_compose(), reason="`docker compose` is not installed here")
QUIET = 'status=~"5..|429|0"'
"""Of this, as of alerts, the dashboard shows nothing when all is well."""
runs = pytest.mark.skipif(not (has_compose() and contained()), reason="tests do not run on containers here")


@composes
@pytest.mark.parametrize("files", [PRODUCTION, CLUSTER, DEVELOPMENT, OBSERVED], ids=lambda files: files[-1])
def test_the_files_are_valid(files: Sequence[str], tmp_path: Path) -> None:
    Compose(files, make_secrets(tmp_path / "secrets"), {"COMPOSE_PROFILES": "otlp"}).run("config", "--quiet")


@runs
async def test_production(tmp_path: Path) -> None:
    with composed(PRODUCTION, tmp_path / "secrets") as compose:
        await play(compose)
        assert_confined(compose)


@runs
async def test_cluster(tmp_path: Path) -> None:
    with composed(CLUSTER, tmp_path / "secrets") as compose:
        await play(compose)
        counts = {service: len(compose.containers(service)) for service in ("command-api", "query-api", "notifier")}
        assert set(counts.values()) == {2}


async def play(compose: Compose) -> None:
    """Submit, read and watch through nginx, then verify."""
    ann, trusted = name(), ssl.create_default_context(cafile=compose.certificate)
    async with (
        aiohttp.ClientSession(compose.url, connector=aiohttp.TCPConnector(ssl=trusted)) as client,
        connect(f"{compose.url.replace('https', 'wss')}/ws/leaderboard/{ann}", ssl=trusted) as socket,
    ):
        position = await submit(client, ann)
        async with asyncio.timeout(10):
            assert ann in str(await socket.recv())
        async with client.get(f"/api/leaderboard/rank/{ann}", headers={"X-Min-Position": position}) as answer:
            assert (answer.status, (await answer.json())["score"]) == (200, 7)
        async with client.get("/") as page:
            assert page.headers["Cache-Control"] == "no-cache"
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            assert page.headers["Content-Encoding"] == "gzip"
    verified = compose.leaderboard("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


async def submit(client: aiohttp.ClientSession, player: str) -> str:
    """Submit a score of 7, twice with one key; the position."""
    answers: list[Any] = []
    for _ in range(2):
        body, headers = {"user_id": player, "score": 7}, {"Idempotency-Key": "once"}
        async with client.post("/api/leaderboard/submit", json=body, headers=headers) as answer:
            assert answer.status in (200, 202)
            answers.append(await answer.json())
    assert answers[0]["event_id"] == answers[1]["event_id"]
    return str(answers[0]["position"])


def assert_confined(compose: Compose) -> None:
    """Our processes are nobody in particular, and write nowhere."""
    for service in ("command-api", "query-api", "notifier", "projector", "web"):
        tried = compose.run("exec", "--no-TTY", service, "sh", "-c", "id -u; touch /here", check=False)
        assert tried.returncode != 0
        assert "Read-only" in tried.stderr
        assert tried.stdout.strip() != "0"


@runs
def test_services_and_the_app_follow_their_sources(tmp_path: Path) -> None:
    port = free_port()
    with composed(DEVELOPMENT, tmp_path / "secrets", DEV_PORT=f"127.0.0.1:{port}") as compose:
        asyncio.run(play(compose))
        (ROOT / "query_api" / "__init__.py").touch()
        eventually(lambda: "detected" in compose.run("logs", "query-api").stdout, 30, "a restart of query-api")
        for path in ("/", "/api/leaderboard/health"):
            eventually(partial(answers, f"http://localhost:{port}{path}"), 120, path)


@runs
def test_what_is_watched(tmp_path: Path) -> None:
    port = free_port()
    watchers = ["web", "prometheus", *(["grafana"] if is_there("grafana/grafana:12.3.0") else [])]
    print("watched by", *watchers)
    ports = {"PROMETHEUS_PORT": f"127.0.0.1:{port}", "GRAFANA_PORT": "127.0.0.1:0"}
    with composed(OBSERVED, tmp_path / "secrets", *watchers, **ports) as compose:
        asyncio.run(play(compose))
        asked = f"http://127.0.0.1:{port}/api/v1"
        eventually(lambda: '"job":"web"' in text_of(f"{asked}/query?query=nginx_connections_active"), 60, "nginx")
        up = f"{asked}/query?query=count(up==1)by(service)"
        for service in ("command-api", "query-api", "notifier", "projector"):
            eventually(lambda service=service: f'"{service}"' in text_of(up), 60, service)  # type: ignore[misc]
        applied = f"{asked}/query?query=max(leaderboard_outcomes_total)"
        eventually(lambda: '"1"]' in text_of(applied), 60, "the submission that was applied")
        assert "PartitionStopped" in text_of(f"{asked}/rules")
        eventually(lambda: '"firing"' not in text_of(f"{asked}/alerts"), 60, "no alert")
        dashboard = json.loads((FOLDER / "grafana" / "dashboards" / "leaderboard.json").read_text())
        for expression in [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]:
            found = '"result":[' if QUIET in expression or "ALERTS" in expression else '"result":[{'
            url = f"{asked}/query?query={quote(expression)}"
            eventually(lambda url=url, found=found: found in text_of(url), 60, expression)  # type: ignore[misc]


def is_there(image: str) -> bool:
    """Whether an image can be had here."""
    return subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, check=False).returncode == 0


def text_of(url: str) -> str:
    with urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())
