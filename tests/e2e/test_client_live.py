"""The reference client against a real notifier, over its death and its orderly end."""

import asyncio
import json
from urllib.request import Request, urlopen

from client import Around, Board, Me, Rank, Stream, Top, Window, live
from client.retrying import Backoff
from tests.stack import System, answers, eventually

TOP, ME, AROUND = Top("classic", 10), Me("classic", "ann"), Around("classic", "ann", 1)
WITHIN = 60.0


def submit(system: System, player: str, score: int) -> None:
    body = json.dumps({"user_id": player, "score": score}).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(f"{system.commands}/api/leaderboard/submit", body, headers), timeout=10) as answer:
        assert answer.status == 200


async def shown(stream: Stream, *expected: tuple[int, str, int]) -> None:
    """Iterate until the first rows are these."""
    async with asyncio.timeout(WITHIN):
        async for state in stream:
            if isinstance(state, Board) and [row[:3] for row in state.rows] == list(expected):
                return


async def told(stream: Stream, rank: int, score: int) -> None:
    """Look until the player has been told this rank, and has it in the window."""
    async with asyncio.timeout(WITHIN):
        while True:
            me, around = stream.state(ME), stream.state(AROUND)
            if (
                isinstance(me, Rank)
                and isinstance(around, Window)
                and (me.rank, me.score, around.rank) == (rank, score, rank)
            ):
                return
            await anext(stream)


async def test_every_change_is_shown_also_over_a_kill_and_a_restart_of_the_notifier(either: System) -> None:
    url = f"{either.live}/ws/v1"
    node = "notifier" if "notifier" in either.ports else "front"
    async with live(url, TOP, ME, AROUND, backoff=Backoff(0.1, 1.0)) as stream:
        await asyncio.to_thread(submit, either, "ann", 10)
        await shown(stream, (1, "ann", 10))
        await told(stream, 1, 10)
        await asyncio.to_thread(submit, either, "bob", 20)
        await shown(stream, (1, "bob", 20), (2, "ann", 10))
        await told(stream, 2, 10)
        snaps = stream.counts.snaps
        await asyncio.to_thread(either.kill, node)
        start_again(either, node)
        await asyncio.to_thread(eventually, lambda: answers(f"{either.url(node)}/openapi.json"), WITHIN, node)
        await asyncio.to_thread(submit, either, "ann", 15)
        await shown(stream, (1, "ann", 25), (2, "bob", 20))
        await told(stream, 1, 25)
        assert (stream.counts.gaps, stream.counts.mismatches) == (0, 0)
        assert stream.counts.connections >= 2
        assert stream.counts.snaps <= snaps + 1, "at most the node that has just begun has no way from the label"


def start_again(system: System, service: str) -> None:
    system.start(service, "--port", str(system.ports[service]))
