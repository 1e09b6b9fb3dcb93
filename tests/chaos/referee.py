"""A referee: revokes, restores, bans, reinstates and erases at random, and writes down everything that is told."""

import asyncio
import itertools
import random
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson

from shared.identity import event_id_of
from tests.chaos.journal import Journal
from tests.chaos.ledger import Ruled, RulingWord, verdict_of
from tests.chaos.load import DOWN, REMEMBERED, REQUEST_TIMEOUT, TRIES, Load, pause

WEIGHTS: dict[RulingWord, float] = {"revoke": 35, "restore": 20, "ban": 15, "reinstate": 27, "erase": 3}
"""More are reinstated than banned, so that the boards do not empty."""
REPEATED = 0.1
"""Share of rulings that are sent again with their key, after others."""


class Wanted(NamedTuple):
    """What the referee wants to happen once."""

    player: str
    key: str
    word: RulingWord
    target: str | None
    """The event id of a submission."""

    @property
    def path(self) -> str:
        about = f"scores/{self.player}/{self.target}" if self.target else f"players/{self.player}"
        return f"/api/v1/{about}/{self.word}"


class Referee:
    """Rules on what a load has sent; the journal lies in `folder`."""

    def __init__(self, load: Load, rulings: float, admin_key: str, folder: Path) -> None:
        """`rulings`: a second."""
        self.count = 0
        self._load = load
        self._rate = rulings
        self._admin = {"Authorization": f"Bearer {admin_key}"}
        self._journal = Journal[Ruled](folder / "rulings.jsonl")
        self._chance = random.Random(f"referee-{load.plan.seed}")
        self._numbers = itertools.count()
        self._revoked: list[tuple[str, str]] = []
        self._banned: list[str] = []
        self._settled: deque[Wanted] = deque(maxlen=REMEMBERED)

    def close(self) -> None:
        """Close the journal."""
        self._journal.__exit__()

    async def open_cups(self, seconds: float) -> None:
        """Boards whose only seasons end one after the other in so many seconds, known to every command API."""
        cups, begin = self._load.plan.cups, time.time()
        async with aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as client:
            for number, cup in enumerate(cups, 1):
                ends_at = int((begin + seconds * number / len(cups)) * 1000)
                fields = {"board_id": cup, "title": cup, "game_modes": [cup], "operator": "best", "order": "desc"}
                for url in self._load.plan.commands:  # the second says that there is one, and so knows it
                    body = fields | {"ends_at": ends_at}
                    async with client.post(f"{url}/api/v1/boards", json=body, headers=self._admin) as answer:
                        assert answer.status in (201, 409), await answer.text()

    async def run(self, until: asyncio.Event) -> None:
        """Rule until told to stop; then see every ruling to its end."""
        async with aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as client, asyncio.TaskGroup() as group:
            while not until.is_set():
                await asyncio.sleep(self._chance.expovariate(self._rate))
                if self._load.acknowledged:
                    group.create_task(self._settle(client, self._choose()))

    def _choose(self) -> Wanted:
        if self._settled and self._chance.random() < REPEATED:
            return self._chance.choice(self._settled)
        word = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        known = self._chance.choice(self._load.acknowledged)
        player, target = known.player, event_id_of(known.player, known.key)
        if word == "restore" and self._revoked:
            player, target = self._revoked.pop(self._chance.randrange(len(self._revoked)))
        elif word == "reinstate" and self._banned:
            player = self._banned.pop(self._chance.randrange(len(self._banned)))
        elif word == "revoke":
            self._revoked.append((player, target))
        elif word == "ban":
            self._banned.append(player)
        key = f"ruling-{self._load.plan.seed}-{next(self._numbers)}"
        return Wanted(player, key, word, target if word in ("revoke", "restore") else None)

    async def _settle(self, client: aiohttp.ClientSession, wanted: Wanted) -> None:
        """Send a ruling with its key until its outcome is known, each time to the next command API."""
        commands = self._load.plan.commands
        for number in range(TRIES):
            url = commands[number % len(commands)]
            ruled = await self._try(client, url, wanted)
            self._journal.write(ruled)
            if ruled.verdict == "acknowledged":
                self.count += 1
                self._settled.append(wanted)
                self._load.contain(ruled.position or "")
            if ruled.verdict == "acknowledged" or ruled.status not in (None, 429, 503):
                return
            await asyncio.sleep(pause(self._chance, number))
        self._load.tally.given_up += 1

    async def _try(self, client: aiohttp.ClientSession, url: str, wanted: Wanted) -> Ruled:
        # A retry has to say the same as the first.
        entries = "removed" if int(wanted.key[-1]) % 2 else "anonymous"
        body = {"entries": entries} if wanted.word == "erase" else {"reason": "chaos"}
        headers = {"Idempotency-Key": wanted.key, **self._admin}
        ruled = Ruled(*wanted, sent=time.time(), answered=0.0, verdict="unknown")
        try:
            async with client.post(f"{url}{wanted.path}", json=body, headers=headers) as answer:
                told = orjson.loads(await answer.read())
        except (*DOWN, orjson.JSONDecodeError) as error:
            return replace(ruled, answered=time.time(), error=repr(error)[:200])
        ruled = replace(ruled, answered=time.time(), status=answer.status, verdict=verdict_of(answer.status))
        if ruled.verdict != "acknowledged":
            return replace(ruled, error=str(told.get("type", ""))[:200])
        return replace(ruled, event_id=told["event_id"], position=told["position"])
