"""What each process tells Prometheus, and that rules, dashboard and document speak of nothing else."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.request import urlopen

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.compose import FOLDER
from tests.live_client import Client
from tests.servers import Servers
from tests.stack import ROOT, SPLIT, System, eventually, free_port, running

OURS = re.compile(r"leaderboard_[a-z_]+")
SUFFIX = re.compile(r"_(total|bucket|count|sum)$")
Samples: TypeAlias = dict[tuple[str, str], float]
"""Sample and its labels, as PromQL writes these → value."""


@contextmanager
def watched(servers: Servers, logs: Path, *services: str) -> Iterator[tuple[System, dict[str, int]]]:
    """A system, and on which port each process tells of itself."""
    system, ports = System(servers, logs), {name: free_port() for name in ("projector", *services)}
    assert system.run("init").returncode == 0
    for name, port in ports.items():
        system.settings["LEADERBOARD_METRICS_PORT"] = str(port)
        if name == "projector":
            system.start(name)
        else:
            system.serve(name)
    try:
        system.await_ready()
        eventually(system.has_caught_up, 30, "the beginning of the log is applied")
        yield system, ports
    finally:
        system.stop()
        system.show_logs()


@pytest.fixture(scope="module")
def split(servers: Servers, logs: Path) -> Iterator[tuple[System, dict[str, int]]]:
    with watched(servers, logs, *SPLIT) as found:
        yield found


def samples(port: int) -> Samples:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (each.name, ",".join(f"{name}={value}" for name, value in sorted(each.labels.items()))): each.value
        for family in families
        for each in family.samples
    }


def names(port: int) -> set[str]:
    return {SUFFIX.sub("", name) for name, _ in samples(port) if name.startswith("leaderboard_")}


async def test_answers_are_counted_by_route_and_status(split: tuple[System, dict[str, int]]) -> None:
    system, ports = split
    async with aiohttp.ClientSession() as client:
        for score in (1, 2, -1):
            body = {"user_id": "ann", "score": score}
            async with client.post(f"{system.commands}/api/leaderboard/submit", json=body) as answer:
                assert answer.status in (200, 202, 422)
        for path in ("leaderboard/rank/ann", "leaderboard/rank/ann", "leaderboard/rank/nobody", "v1/boards", "nowhere"):
            async with client.get(f"{system.queries}/api/{path}") as answer:
                assert answer.status in (200, 404)
    submits, reads = samples(ports["command-api"]), samples(ports["query-api"])
    assert requests(submits, "POST", "/api/leaderboard/submit", 422) == 1
    assert sum(requests(submits, "POST", "/api/leaderboard/submit", status) for status in (200, 202)) == 2
    assert [requests(reads, "GET", "/api/leaderboard/rank/*", status) for status in (200, 404)] == [2, 1]
    assert requests(reads, "GET", "/api/v1/boards", 200) == 1
    assert requests(reads, "GET", "other", 404) == 1


def requests(found: Samples, method: str, route: str, status: int) -> float:
    return found.get(("leaderboard_http_request_seconds_count", f"method={method},route={route},status={status}"), 0)


async def test_the_state_of_each_process_is_told(split: tuple[System, dict[str, int]]) -> None:
    system, ports = split
    async with await Client.open(system.live) as client:
        await client.hear("hi")
        assert samples(ports["notifier"])["leaderboard_sockets", ""] == 1
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{system.commands}/api/leaderboard/submit", json={"user_id": "bob", "score": 5}) as answer,
    ):
        assert answer.status in (200, 202)
    eventually(lambda: _is_at_work(samples(ports["projector"])), 20, "a projector that tells of what it does")
    eventually(lambda: _is_whole(samples(ports["query-api"])), 20, "no lag, and outcomes")


def _is_at_work(found: Samples) -> bool:
    batches = found["leaderboard_batch_seconds_bucket", "le=+Inf"]
    assert batches == found["leaderboard_batch_seconds_count", ""]
    held = found["leaderboard_partitions_held", ""], found["leaderboard_ranks_known", ""]
    return batches >= 1 and found["leaderboard_projected_records_total", ""] >= 1 and held == (8, 1)  # 4 of each topic


def _is_whole(found: Samples) -> bool:
    lag = [value for (name, _), value in found.items() if name == "leaderboard_lag_records"]
    alive = found.get(("leaderboard_projectors_alive", "")), found.get(("leaderboard_partitions_stopped", ""))
    return lag == [0] * 4 and found["leaderboard_outcomes_total", "outcome=applied"] >= 1 and alive == (1, 0)


def test_one_process_tells_what_the_three_would(
    servers: Servers, logs: Path, split: tuple[System, dict[str, int]]
) -> None:
    of_three = set[str]().union(*(names(port) for name, port in split[1].items() if name != "projector"))
    with watched(servers, logs, "front") as (_, ports):
        assert names(ports["front"]) == of_three


def test_rules_dashboard_and_document_speak_of_what_there_is(split: tuple[System, dict[str, int]]) -> None:
    told = set[str]().union(*(names(port) for port in split[1].values()))
    rules = (FOLDER / "prometheus" / "rules.yml").read_text()
    dashboard = json.loads((FOLDER / "grafana" / "dashboards" / "leaderboard.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    assert {SUFFIX.sub("", name) for name in OURS.findall(rules + asked)} <= told
    table = (ROOT / "docs" / "monitoring.md").read_text()
    assert set(re.findall(r"^\| `(leaderboard_[a-z_]+)`", table, re.MULTILINE)) == told


def test_a_taken_port_costs_the_metrics_and_nothing_else(servers: Servers, logs: Path) -> None:
    with watched(servers, logs, "front") as (first, ports):
        second = System(servers, logs, prefix=first.prefix, settings=first.settings)
        second.serve("query-api")
        try:
            second.await_ready()
            assert "metrics_not_served" in second.log_of("query-api")
            assert samples(ports["front"])
        finally:
            second.stop()


def test_without_a_port_nothing_is_told(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        assert "metrics_served" not in system.log_of("front") + system.log_of("projector")
