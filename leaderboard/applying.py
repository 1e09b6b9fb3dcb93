"""`leaderboard boards`: a plan shown and carried out, and the boards there are, through the HTTP API."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from pydantic import SecretStr, ValidationError
from rich.markup import escape
from rich.table import Table

from leaderboard.boards import CLOCKS, Change, Plan, Present, PresentBoards, Step, definition_of

TIMEOUT = 15.0
"""Seconds for one answer."""
COLOURS = {"create": "green", "revise": "yellow", "unchanged": "dim", "refused": "red"}


class BoardsFailed(Exception):
    """The system did not do it; the message says what it answered."""


async def fetch_boards(url: str) -> list[Present]:
    """The boards that the system has. Raises BoardsFailed."""
    async with _client() as client:
        status, body = await _call(client, "GET", f"{url.rstrip('/')}/api/v1/boards")
    if status != 200:
        raise BoardsFailed(_told(status, body))
    try:
        return PresentBoards.model_validate(body).boards
    except ValidationError as error:
        raise BoardsFailed(f"{url} answers otherwise than expected: {error.errors()[0]['msg']}") from error


async def carry_out(url: str, key: SecretStr, steps: tuple[Step, ...], say: Callable[[str], None]) -> None:
    """Create and revise boards, a line for each. Raises BoardsFailed at the first that is not done."""
    async with _client() as client:
        for step in steps:
            say(await _act(client, f"{url.rstrip('/')}/api/v1/boards", key, step))


def plan_table(plan: Plan) -> Table:
    """A plan to look at."""
    table = Table("board", "action", "what")
    for step in plan.steps:
        colour = COLOURS[step.action]
        what = "\n".join(filter(None, (step.reason, *map(_change, step.changes)))) or step.board.title
        table.add_row(step.board.board_id, f"[{colour}]{step.action}[/{colour}]", escape(what))
    for each in plan.left_alone:
        state = "retired; not in the file" if each.retired else "not in the file"
        table.add_row(each.board_id, "[dim]left alone[/dim]", state)
    return table


def boards_table(boards: list[Present]) -> Table:
    """The boards there are, to look at."""
    table = Table("board", "title", "game modes", "value", "ties", "reset", "from", "until", "revision")
    for each in boards:
        board = each.definition
        table.add_row(
            each.board_id,
            escape(board.title),
            ", ".join(board.game_modes),
            f"{board.operator} {board.order}",
            board.ties,
            escape(f"{board.cron or board.reset} {board.timezone}" if board.reset != "never" else "never"),
            _time(board.starts_at),
            _time(board.ends_at),
            f"{each.revision}{' (retired)' if each.retired else ''}",
        )
    return table


async def _act(client: aiohttp.ClientSession, boards: str, key: SecretStr, step: Step) -> str:
    """One step. Doing it again, also after an answer that was lost, changes nothing: the key is of the content."""
    body = definition_of(step.board)
    headers = {"Authorization": f"Bearer {key.get_secret_value()}", "Idempotency-Key": step.key}
    if step.action == "create":
        status, answer = await _call(client, "POST", boards, json=body, headers=headers)
    else:
        body["expected_revision"] = step.expected_revision
        status, answer = await _call(client, "PUT", f"{boards}/{step.board.board_id}", json=body, headers=headers)
    name = f"{step.board.board_id}: {step.action}"
    if status == 202:
        return f"{name}: in the log, not applied yet"
    if status not in (200, 201):
        raise BoardsFailed(f"{name}: {_told(status, answer)}")
    return f"{name}: revision {answer['revision']}"


@asynccontextmanager
async def _client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as client:
        yield client


async def _call(client: aiohttp.ClientSession, method: str, url: str, **request: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of an answer. Raises BoardsFailed when there is none."""
    try:
        async with client.request(method, url, **request) as answer:
            body = await answer.json(content_type=None)
            return answer.status, body if isinstance(body, dict) else {}
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise BoardsFailed(f"{method} {url}: {str(error) or repr(error)}") from error


def _told(status: int, body: dict[str, Any]) -> str:
    return f"{status}: {body.get('detail', 'no explanation')}"


def _change(change: Change) -> str:
    old, new = change.old, change.new
    if change.field in CLOCKS:
        return f"{change.field} {_time(old)} -> {_time(new)}"
    return f"{change.field} {old} -> {new}"


def _time(clock: object) -> str:
    """Milliseconds as people read them."""
    if not isinstance(clock, int):
        return "-"
    return datetime.fromtimestamp(clock / 1000, UTC).isoformat(sep=" ", timespec="minutes")
