"""Clients: submitters, readers and sockets, who write down everything that they are told."""

import asyncio
import itertools
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import aiohttp
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from shared.positions import Position, parse_position
from tests.chaos.answers import Answer, Row, Told
from tests.chaos.journal import Journal
from tests.chaos.ledger import Try, verdict_of

MODES = ("classic", "sprint")
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=8.0)
"""More than the command API takes at its worst: 5 s for the broker and 2 s for the outcome."""
DOWN = (aiohttp.ClientError, OSError, TimeoutError)
TRIES = 40
"""Requests for one submission before it stays unknown."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 3.0
"""Seconds before a submission is sent again: doubled each time, and spread, as clients should."""
RECONNECT_AFTER = 0.5
MOST_IN_FLIGHT = 200
REPEATED, CONTRADICTED = 0.03, 0.01
"""Shares of acknowledged submissions that are sent again with the same content, and with other content."""
FOR_CUPS = 0.2
"""Share of submissions for boards that end, before and after their end."""
REMEMBERED = 200
"""Acknowledged submissions to choose a repetition from."""


@dataclass(frozen=True)
class Plan:
    """What traffic to make, and where to. Rates are a second, all together."""

    commands: Sequence[str]
    queries: Sequence[str]
    live: Sequence[str]
    players: int = 1_000
    submits: float = 40.0
    reads: float = 25.0
    readers: int = 6
    sockets: int = 4
    seed: int = 1
    cups: Sequence[str] = ()
    """Game modes whose boards end in the middle of the run."""

    @property
    def modes(self) -> tuple[str, ...]:
        return (*MODES, *self.cups)

    def player(self, number: int) -> str:
        return f"player-{number}"


class Submission(NamedTuple):
    """What a client wants to count once."""

    player: str
    key: str
    mode: str
    score: int


def submissions(plan: Plan) -> Iterator[Submission]:
    """Fresh submissions without end: no two have the same key, players are even, modes four to one; some for cups."""
    chance = random.Random(f"submissions-{plan.seed}")
    for number in itertools.count():
        mode = MODES[0] if chance.random() < 0.8 else MODES[1]
        if plan.cups and chance.random() < FOR_CUPS:
            mode = chance.choice(plan.cups)
        score = chance.randrange(20_000, 120_000) if mode == MODES[1] else 1 + int(chance.expovariate(1 / 100))
        yield Submission(plan.player(chance.randrange(plan.players)), f"chaos-{plan.seed}-{number}", mode, score)


@dataclass(slots=True)
class Tally:
    """How the run goes, for those who watch it."""

    tries: Counter[str] = field(default_factory=Counter)
    applied: int = 0
    """Submissions that were answered with their outcome."""
    reads: Counter[str] = field(default_factory=Counter)
    events: int = 0
    in_flight: int = 0
    skipped: int = 0
    """Submissions that were due while too many were on their way."""
    given_up: int = 0


class Load:
    """The clients of one run; their journals lie in `folder`."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.tally = Tally()
        self.ledger = Journal[Try](folder / "ledger.jsonl")
        self.answers = Journal[Answer](folder / "answers.jsonl")
        self.told = Journal[Told](folder / "told.jsonl")
        self.last_told: dict[int, Told] = {}
        """Socket that is open → the last that it said of the player it is for."""
        self.acknowledged: deque[Submission] = deque(maxlen=REMEMBERED)
        self._newest: deque[Position] = deque(maxlen=1)
        self._sockets = itertools.count(1)
        self._chance = random.Random(f"load-{plan.seed}")

    def close(self) -> None:
        """Close the journals."""
        for journal in (self.ledger, self.answers, self.told):
            journal.__exit__()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Keep the sockets open for as long as the block lasts."""
        watching = [asyncio.create_task(self._watch(number)) for number in range(self.plan.sockets)]
        try:
            yield
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def run(self, until: asyncio.Event) -> None:
        """Submit and read until told to stop; then see every submission to its end."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=REQUEST_TIMEOUT, connector=connector) as client:
            readers = (self._read(client, number, until) for number in range(self.plan.readers))
            await asyncio.gather(self._submit_all(client, until), *readers)

    # --- submitters ----------------------------------------------------------------------------

    async def _submit_all(self, client: aiohttp.ClientSession, until: asyncio.Event) -> None:
        """Open loop: a submission is due whether or not the ones before have been answered."""
        fresh = submissions(self.plan)
        due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while not until.is_set():
                if self.tally.in_flight < MOST_IN_FLIGHT:
                    group.create_task(self._counted(self._settle(client, self._choose(fresh))))
                else:
                    self.tally.skipped += 1
                due += self._chance.expovariate(self.plan.submits)
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        self.tally.in_flight += 1
        try:
            await work
        finally:
            self.tally.in_flight -= 1

    def _choose(self, fresh: Iterator[Submission]) -> Submission:
        """A fresh submission, or one that was acknowledged before: as it was, or with another score."""
        roll = self._chance.random()
        if not self.acknowledged or roll > REPEATED + CONTRADICTED:
            return next(fresh)
        again = self._chance.choice(self.acknowledged)
        return again if roll < REPEATED else again._replace(score=again.score + 1)

    async def _settle(self, client: aiohttp.ClientSession, wanted: Submission) -> None:
        """Send a submission until its outcome is known, each time to the next command API."""
        first = self._chance.randrange(len(self.plan.commands))
        for number in range(TRIES):
            url = self.plan.commands[(first + number) % len(self.plan.commands)]
            try:
                tried = await self._try(client, url, wanted)
            except asyncio.CancelledError:
                # It may be in the log all the same: nobody may call it a record that no client sent.
                self.ledger.write(
                    Try(*wanted, sent=time.time(), answered=time.time(), verdict="unknown", error="ended")
                )
                raise
            self.ledger.write(tried)
            self.tally.tries[tried.verdict] += 1
            self.tally.applied += tried.status == 200
            if tried.verdict == "acknowledged":
                self._note(wanted, tried)
            if tried.verdict == "acknowledged" or tried.status not in (None, 429, 503):
                return
            await asyncio.sleep(pause(self._chance, number))
        self.tally.given_up += 1

    async def _try(self, client: aiohttp.ClientSession, url: str, wanted: Submission) -> Try:
        body = {"user_id": wanted.player, "score": wanted.score, "game_mode": wanted.mode}
        headers = {"Idempotency-Key": wanted.key}
        tried = Try(*wanted, sent=time.time(), answered=0.0, verdict="unknown")
        try:
            async with client.post(f"{url}/api/leaderboard/submit", json=body, headers=headers) as answer:
                told = orjson.loads(await answer.read())
        except (*DOWN, orjson.JSONDecodeError) as error:
            return replace(tried, answered=time.time(), error=repr(error)[:200])
        tried = replace(tried, answered=time.time(), status=answer.status, verdict=verdict_of(answer.status))
        if tried.verdict != "acknowledged":
            return replace(tried, error=str(told.get("type", ""))[:200])
        return replace(
            tried,
            event_id=told["event_id"],
            position=told["position"],
            new_rank=told.get("new_rank"),
            new_total=told.get("new_total"),
            replayed=told.get("replayed", False),
        )

    def _note(self, wanted: Submission, tried: Try) -> None:
        self.acknowledged.append(wanted)
        self.contain(tried.position or "")

    def contain(self, token: str) -> None:
        """Readers have to see what lies before this position."""
        position = parse_position(token)
        # One token that contains all that any client was told: readers who carry it must see every one's writes.
        self._newest.append(self._newest[0].merge(position) if self._newest else position)

    # --- readers -------------------------------------------------------------------------------

    async def _read(self, client: aiohttp.ClientSession, reader: int, until: asyncio.Event) -> None:
        """Read at random. Every second reader carries a token, of its own answers and at times of all writes."""
        carried: Position | None = None
        pause = self.plan.readers / self.plan.reads
        while not until.is_set():
            if reader % 2 and self._newest and self._chance.random() < 0.5:
                carried = self._newest[0] if carried is None else carried.merge(self._newest[0])
            answer = await self.ask(client, self._question(reader, carried))
            if (
                reader % 2 and answer.position is not None and answer.status in (200, 404)
            ):  # 404: not ranked, up to there
                position = parse_position(answer.position)
                carried = position if carried is None else carried.merge(position)
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * pause)

    def _question(self, reader: int, carried: Position | None) -> Answer:
        kind: Literal["top", "rank"] = "top" if self._chance.random() < 0.5 else "rank"
        return question(
            reader,
            self._chance.choice(self.plan.queries),
            self._chance.choice(self.plan.modes),
            player="" if kind == "top" else self.plan.player(self._chance.randrange(self.plan.players)),
            minimum=str(carried) if carried is not None else None,
        )

    @property
    def newest(self) -> str | None:
        """A token that contains every write that was acknowledged."""
        return str(self._newest[0]) if self._newest else None

    async def ask(self, client: aiohttp.ClientSession, asked: Answer) -> Answer:
        """Ask, and write the answer down."""
        headers = {"X-Min-Position": asked.minimum} if asked.minimum else {}
        what = f"top?limit={asked.limit}&" if asked.kind == "top" else f"rank/{asked.player}?"
        url = f"{asked.url}/api/leaderboard/{what}game_mode={asked.mode}"
        try:
            async with client.get(url, headers=headers) as response:
                answer = _answered(asked, response, orjson.loads(await response.read()))
        except (*DOWN, orjson.JSONDecodeError) as error:
            answer = replace(asked, answered=time.time(), error=repr(error)[:200])
        self.answers.write(answer)
        self.tally.reads[str(answer.status)] += 1
        return answer

    # --- sockets -------------------------------------------------------------------------------

    async def _watch(self, number: int) -> None:
        """Watch a player, on a new socket whenever one ends."""
        player, mode = self.plan.player(number * 7 % self.plan.players), MODES[number % 2]
        live = self.plan.live[number % len(self.plan.live)]
        while True:
            with suppress(OSError, TimeoutError, InvalidHandshake, WebSocketException):
                async with connect(
                    f"{live}/ws/leaderboard/{player}?game_mode={mode}", open_timeout=5, close_timeout=1
                ) as socket:
                    await self._listen(socket, Told(next(self._sockets), player, mode, time.time(), "opened"))
            await asyncio.sleep(RECONNECT_AFTER)

    async def _listen(self, socket: ClientConnection, opened: Told) -> None:
        self._hear(opened)
        with suppress(WebSocketException):
            async for message in socket:
                event = orjson.loads(message)
                ranks = {name: event[name] for name in ("user_id", "new_rank", "old_rank")}
                self._hear(replace(opened, at=time.time(), what="event", **ranks))
        # Not reached when this run itself ends: then the socket was open to the last.
        self.told.write(replace(opened, at=time.time(), what="closed"))
        del self.last_told[opened.socket]

    def _hear(self, told: Told) -> None:
        self.told.write(told)
        self.tally.events += told.what == "event"
        if told.what == "opened" or told.user_id == told.watched:
            self.last_told[told.socket] = told


def pause(chance: random.Random, number: int) -> float:
    """Seconds before the next try."""
    return min(FIRST_PAUSE * float(2**number), LONGEST_PAUSE) * chance.uniform(0.5, 1.5)


def question(
    reader: int, url: str, mode: str, *, player: str = "", minimum: str | None = None, limit: int = 20
) -> Answer:
    """An answer that is not there yet: a player's rank, or the top where no player is named."""
    return Answer(
        reader=reader,
        kind="rank" if player else "top",
        mode=mode,
        answered=0.0,
        url=url,
        status=None,
        player=player,
        limit=0 if player else limit,
        minimum=minimum,
    )


def _answered(asked: Answer, response: aiohttp.ClientResponse, body: dict[str, Any]) -> Answer:
    answer = replace(
        asked,
        answered=time.time(),
        status=response.status,
        position=response.headers.get("X-Position", body.get("position")),
    )
    if response.status != 200:
        return replace(answer, error=str(body.get("type", ""))[:200])
    rows = body["entries"] if asked.kind == "top" else [body]
    return replace(answer, total=body["total_players"], rows=[_row(row) for row in rows])


def _row(row: dict[str, Any]) -> Row:
    return row["rank"], row["user_id"], row["score"], row["games_played"], row["updated_at"]
