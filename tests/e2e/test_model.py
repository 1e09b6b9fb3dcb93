"""The whole HTTP surface against the pure fold: random commands and questions, each answer compared at its position.

Meanwhile seasons end: three boards turn over or end in the first minutes, and past seasons are asked about as well.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from query_api.schemas import instant
from shared.boards import Board
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.clock import now
from shared.fold.fold import fold
from shared.fold.results import Results, digest_of
from shared.fold.state import State, Step
from shared.log import Reader, open_reader
from shared.positions import Position, parse_position
from shared.questions import (
    Around,
    AroundScore,
    AtPercentile,
    FromRank,
    Places,
    Question,
    Range,
    Ranked,
    WouldRank,
    answer,
    percentile,
)
from shared.records import receive
from shared.seasons import ALL_TIME, season_at, season_before
from shared.settings import KafkaSettings, NamingSettings
from tests.e2e.test_boards import ADMIN, KEY
from tests.e2e.test_thread import name
from tests.servers import Servers
from tests.stack import System, present, running

STEPS = 700
EXAMPLES = 15
"""Together above 10,000 steps."""
Json: TypeAlias = dict[str, Any]
BOARDS: list[Json] = [
    {"operator": "best", "order": "desc", "ties": "first_to_reach"},
    {"operator": "best", "order": "asc", "ties": "shared", "reset": "daily", "timezone": "America/New_York"},
    {"operator": "sum", "order": "desc", "ties": "dense", "reset": "weekly"},
    {"operator": "latest", "order": "desc", "ties": "dense", "maximum": 12},
    {"operator": "count", "order": "desc", "ties": "shared", "reset": "monthly", "timezone": "Europe/Berlin"},
    {"operator": "sum", "order": "asc", "ties": "first_to_reach", "max_attempts": 3},
    {"operator": "sum", "order": "desc", "ties": "dense", "where": {"metadata.platform": ["ios"]}},
]
PAST = 0.3
"""Share of questions about a past season."""
ASKED: dict[tuple[str, str], set[str]] = {}
"""Board and season with rows → whether it was the present one, a past one, or both, when it was asked about."""
RESULTS: set[str] = set()
"""Digests of results that were compared."""
LONGEST_TURN = 330
"""Seconds within which the boards that turn over first have done so, and have been asked about since."""


def ending() -> list[Json]:
    """Boards that turn over in one to two and in two to three minutes, and one that ends.

    The next time is ten minutes later, the shortest season: what turns over at once might not have been asked about.
    """
    minute = time.gmtime().tm_min
    soon, later = (f"{(minute + ahead) % 10}-59/10 * * * *" for ahead in (2, 3))
    return [
        {"operator": "sum", "order": "desc", "ties": "shared", "reset": "cron", "cron": soon},
        {"operator": "best", "order": "asc", "ties": "first_to_reach", "reset": "cron", "cron": later},
        {"operator": "count", "order": "desc", "ties": "dense", "ends_at": now() + 75_000},
    ]


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY, LEADERBOARD_WAIT_MS="20000") as started:
        yield started


class Oracle:
    """The pure fold of the log, up to the position of the last answer."""

    def __init__(self, reader: Reader, catalogue: Catalogue, incarnation: str, offsets: dict[int, int]) -> None:
        self.reader = reader
        self.catalogue = catalogue
        self.state = State()
        self.results = Results()
        self.steps: dict[tuple[int, int], Step] = {}
        self.read = dict.fromkeys(offsets, 0)
        self.incarnation = incarnation

    async def advance(self, position: Position) -> None:
        """Fold up to a position; positions never go back for a single client of a single projector."""
        while any(self.read.get(number, 0) < offset for number, offset in position.offsets.items()):
            for _, record in await self.reader.read(limit=1_000, wait_ms=1_000):
                self.read[record.partition] = record.offset + 1
                step = fold(self.state, self.catalogue, receive(record))
                self.results.take(step)
                if step is not None:
                    self.steps[record.partition, record.offset] = step

    def ask(self, board: Board, season: str, question: Question) -> tuple[int, list[Ranked], int | None]:
        at = board.board_id, season
        entries = (each for each in self.state.entries.values() if (each.board_id, each.season) == at)
        rows = [each.standing for each in entries if each.standing is not None]
        part = answer(board, rows, question)
        return len(rows), part.rows, part.rank


class Client:
    """One client that asks one thing after the other, and compares."""

    def __init__(self, system: System, http: aiohttp.ClientSession, oracle: Oracle, seed: int) -> None:
        self.url = system.queries
        self.http = http
        self.oracle = oracle
        self.chance = random.Random(seed)
        self.players = [f"{seed}-{number}" for number in range(9)]
        self.events: list[tuple[str, str]] = []
        self.boards = list(oracle.catalogue.boards())

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Json]:
        async with self.http.request(method, f"{self.url}{path}", json=body, headers=headers) as answered:
            assert answered.status < 500, await answered.text()
            return answered.status, await answered.json(content_type=None)

    async def step(self) -> None:
        commands = [self.submit] * 6 + [self.batch, self.revoke, self.revoke, self.ban]
        asked = [self.entries, self.around, self.near, self.pages, self.many, self.view, self.would, self.at, self.seed]
        asked.append(self.results)
        await self.chance.choice(commands if self.chance.random() < 0.5 else asked)()

    def score(self) -> Json:
        mode = self.chance.choice(["m", "m", "m", "classic", "sprint"])
        body: Json = {"user_id": self.chance.choice(self.players), "score": self.chance.randrange(-1, 16)}
        if mode == "m" and self.chance.random() < 0.7:
            body["metadata"] = {"platform": self.chance.choice(["ios", "pc"])}
        return body | {"game_mode": mode}

    async def submit(self) -> None:
        body = self.score()
        key = self.chance.choice([f"k{self.chance.randrange(40)}", name()])
        status, found = await self.call("POST", "/api/leaderboard/submit", body, **{"Idempotency-Key": key})
        if status == 422 and "position" not in found:
            assert body["score"] < 1, found
            return
        assert status in (200, 403, 409, 422), found
        await self.check(found, body["user_id"], status == 200)

    async def check(self, found: Json, player: str, counted: bool) -> None:
        """What an answer to a command says, against the fold right after its record."""
        position = parse_position(found["position"])
        await self.oracle.advance(position)
        self.events.append((player, found["event_id"]))
        session = self.oracle.state.sessions[player, found["event_id"]]
        if found.get("replayed"):
            return
        [(partition, offset)] = position.offsets.items()
        outcome = self.oracle.steps[partition, offset - 1].outcome
        assert (outcome.kind == "applied" and not session.revoked) == counted, found
        for said, credit in zip(found.get("boards", []), outcome.credits, strict=counted):
            board = self.oracle.catalogue.board(credit.board_id)
            assert board is not None
            _, rows, _ = self.oracle.ask(board, credit.season, Places([player]))
            rank, gap = (rows[0].rank, rows[0].gap) if rows else (None, None)
            wanted = (credit.season, credit.value, credit.improved, credit.reason, rank, gap)
            assert wanted == tuple(
                said[each] for each in ("season", "value", "personal_best", "reason", "new_rank", "gap")
            )

    async def batch(self) -> None:
        scores = [self.score() for _ in range(self.chance.randrange(1, 6))]
        status, found = await self.call("POST", "/api/v1/scores", {"scores": scores})
        assert status == 200
        if found["position"] is not None:
            await self.oracle.advance(parse_position(found["position"]))
        for body, said in zip(scores, found["outcomes"], strict=True):
            assert (said["status"] == "invalid") == (body["score"] < 1), said
            if said["event_id"] is not None:
                session = self.oracle.state.sessions[body["user_id"], said["event_id"]]
                assert session.outcome == said["status"]

    async def revoke(self) -> None:
        if not self.events:
            return
        player, event = self.chance.choice(self.events)
        what = self.chance.choice(["revoke", "restore"])
        path = f"/api/v1/scores/{player}/{event}/{what}"
        await self.rule(path)

    async def ban(self) -> None:
        what = self.chance.choice(["ban", "reinstate", "reinstate"])
        await self.rule(f"/api/v1/players/{self.chance.choice(self.players)}/{what}")

    async def rule(self, path: str) -> None:
        status, found = await self.call("POST", path, {"reason": "cheating"}, **ADMIN)
        assert status in (200, 404), found
        await self.oracle.advance(parse_position(found["position"]))

    def season(self, board: Board) -> str | None:
        """A season to ask about; None: the present one."""
        if self.chance.random() > PAST:
            return None
        before = season_before(board, season_at(board, now()))
        return before.name if before is not None else ALL_TIME

    async def present(self, board: Board, method: str, path: str, body: Any) -> tuple[int, Json, str]:
        """Ask without naming a season; and which one it has to be. Asked again where the next begins meanwhile."""
        while True:
            season = season_at(board, now()).name
            status, found = await self.call(method, path, body)
            if season_at(board, now()).name == season:
                return status, found, season

    async def read(
        self, board: Board, path: str, *questions: Question, body: Any = None, season: str | None = None
    ) -> tuple[int, Json, Any]:
        """Ask by HTTP and ask the fold at the position of the answer."""
        method, url = "GET" if body is None else "POST", f"/api/v1/boards/{board.board_id}{path}"
        named = season or self.season(board)
        if named is None:
            status, found, named = await self.present(board, method, url, body)
        else:
            status, found = await self.call(method, f"{url}{'&' if '?' in url else '?'}season={named}", body)
        await self.oracle.advance(parse_position(found["position"]))
        asked = [self.oracle.ask(board, named, question) for question in questions]
        if status == 200:
            assert (found["season"], found["total_players"]) == (named, asked[0][0])
        if asked[0][0]:
            past = season_at(board, now()).name != named
            ASKED.setdefault((board.board_id, named), set()).add("past" if past else "present")
        return status, found, [self.rows(total, rows) for total, rows, _ in asked] + [asked[0][2]]

    def rows(self, total: int, rows: list[Ranked]) -> list[Json]:
        return [
            {
                "rank": row.rank,
                "user_id": row.standing.player_id,
                "username": row.standing.player_id,
                "score": row.standing.value,
                "games_played": row.standing.games_played,
                "updated_at": instant(row.standing.updated_at),
                "percentile": percentile(row, total),
                "gap": row.gap,
                "metadata": None,
            }
            for row in rows
        ]

    async def entries(self) -> None:
        first, limit = self.chance.randrange(0, 8), self.chance.randrange(1, 6)
        path = f"/entries?rank={first + 1}&limit={limit}"
        _, found, [rows, _] = await self.read(self.chance.choice(self.boards), path, FromRank(first + 1, limit))
        assert found["entries"] == rows

    async def around(self) -> None:
        player, above, below = self.chance.choice(self.players), self.chance.randrange(4), self.chance.randrange(4)
        path = f"/entries?around_player={player}&above={above}&below={below}"
        question = Around(player, above, below)
        status, found, [rows, _] = await self.read(self.chance.choice(self.boards), path, question)
        assert found.get("entries", []) == rows
        assert (status == 404) == (not rows)

    async def near(self) -> None:
        score, above, below = (self.chance.randrange(0, 20) for _ in range(3))
        path = f"/entries?around_score={score}&above={above}&below={below}"
        question = AroundScore(score, above, below)
        _, found, [rows, _] = await self.read(self.chance.choice(self.boards), path, question)
        assert found["entries"] == rows

    async def pages(self) -> None:
        """All of a board by cursors, down and up again."""
        board, limit = self.chance.choice(self.boards), self.chance.randrange(1, 5)
        seen: list[Json] = []
        _, page, [rows, _] = await self.read(board, f"/entries?limit={limit}", Range(0, 1_000))
        season = page["season"]
        seen += page["entries"]
        while page["next"] is not None:
            _, page, _ = await self.read(
                board, f"/entries?limit={limit}&cursor={page['next']}", Range(0, 1), season=season
            )
            seen += page["entries"]
        assert seen == rows
        while page["previous"] is not None:
            _, page, _ = await self.read(
                board, f"/entries?limit={limit}&cursor={page['previous']}", Range(0, 1), season=season
            )
        assert page["entries"] == rows[: len(page["entries"])]

    async def many(self) -> None:
        wanted = self.chance.sample([*self.players, "nobody"], 4)
        board = self.chance.choice(self.boards)
        _, found, [rows, _] = await self.read(board, "/entries/query", Places(wanted), body={"user_ids": wanted})
        key = {each["user_id"]: place for place, each in enumerate(found["entries"])}
        assert alone(found["entries"]) == sorted(rows, key=lambda row: key[row["user_id"]])
        assert [row["rank"] for row in found["entries"]] == sorted(row["rank"] for row in rows)
        assert {*key, *found["not_found"]} == set(wanted)

    async def view(self) -> None:
        me, *friends = self.chance.sample(self.players, 3)
        path = f"/view?user_id={me}&top=3&above=1&below=2&friends={','.join(friends)}"
        questions = Places([me]), Range(0, 3), Around(me, 1, 2), Places(friends)
        _, found, [mine, top, around, liked, _] = await self.read(self.chance.choice(self.boards), path, *questions)
        assert ([found["me"]] if found["me"] else []) == mine
        assert (found["top"], found["around"]) == (top, around)
        assert {each["user_id"]: each for each in alone(found["friends"])} == {each["user_id"]: each for each in liked}

    async def would(self) -> None:
        score = self.chance.randrange(-2, 40)
        path = f"/would-rank?score={score}"
        _, found, [_, rank] = await self.read(self.chance.choice(self.boards), path, WouldRank(score))
        assert found["rank"] == rank

    async def at(self) -> None:
        hundredths = self.chance.choice([0, 10_000, self.chance.randrange(10_000)])
        path, question = f"/percentile?p={hundredths / 100}", AtPercentile(hundredths)
        _, found, [rows, _] = await self.read(self.chance.choice(self.boards), path, question)
        assert ([found["entry"]] if found["entry"] else []) == rows

    async def results(self) -> None:
        """Results of seasons as they were closed: the fold's rows where each partition learned of the end."""
        board = self.chance.choice(self.boards)
        status, found = await self.call("GET", f"/api/v1/boards/{board.board_id}/seasons")
        assert status == 200, found
        every = [(each["season"], result) for each in found["seasons"] for result in each["results"]]
        for season, result in every:
            if result["kind"] == "closed":  # its cut names the ends themselves, which have to be folded, too
                cut = parse_position(result["position"])
                await self.oracle.advance(Position("", {each: offset + 1 for each, offset in cut.offsets.items()}))
                rows = list(self.oracle.results.closed(board.board_id, season))
                assert (result["players"], result["digest"]) == (len(rows), digest_of(board, rows))
                RESULTS.add(result["digest"])

    async def seed(self) -> None:
        """The seed's own routes."""
        board, player = self.oracle.catalogue.board("classic"), self.chance.choice(self.players)
        assert board is not None
        status, found = await self.call("GET", f"/api/leaderboard/rank/{player}")
        await self.oracle.advance(parse_position(found["position"]))
        total, rows, _ = self.oracle.ask(board, ALL_TIME, Places([player]))
        assert (status == 404) == (not rows)
        if rows:
            assert (found["rank"], found["score"], found["total_players"]) == (
                rows[0].rank,
                rows[0].standing.value,
                total,
            )
        status, found = await self.call("GET", "/api/leaderboard/top?limit=5")
        await self.oracle.advance(parse_position(found["position"]))
        _, rows, _ = self.oracle.ask(board, ALL_TIME, Range(0, 5))
        assert [(each["rank"], each["user_id"]) for each in found["entries"]] == [
            (row.rank, row.standing.player_id) for row in rows
        ]


def alone(rows: list[Json]) -> list[Json]:
    """Rows without their ranks among each other, which have to go up."""
    among = [row["rank_among"] for row in rows]
    assert among == sorted(among)
    assert among[:1] in ([], [1])
    return [{name: value for name, value in row.items() if name != "rank_among"} for row in rows]


@asynccontextmanager
async def opened(system: System, seed: int) -> AsyncIterator[Client]:
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": present(system.servers.kafka).url})
    naming = NamingSettings(prefix=system.prefix)
    async with aiohttp.ClientSession() as http, open_reader(kafka, naming, "model") as reader:
        for number, fields in enumerate([*BOARDS, *ending()]):
            body = {"board_id": f"m{number}", "title": f"Board {number}", "game_modes": ["m"], **fields}
            async with http.post(f"{system.commands}/api/v1/boards", json=body, headers=ADMIN) as answered:
                assert answered.status in (201, 409), await answered.text()
        catalogue = await CatalogueLog(kafka, naming, "model").read(Catalogue())
        beginning = await reader.beginning("events")
        reader.assign({("events", partition): 0 for partition in beginning})
        oracle = Oracle(reader, catalogue, "", beginning)
        # What the examples before have left: the position of a submission names its own partition only.
        await oracle.advance(Position("", await reader.end("events")))
        yield Client(system, http, oracle, seed)


# No shrinking: of two seeds neither is the simpler one.
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.reuse, Phase.generate),
)
@given(seed=st.integers(0, 2**32))
async def test_every_answer_is_the_fold_at_its_position(system: System, seed: int) -> None:
    async with opened(system, seed) as client:
        for _ in range(STEPS):
            await client.step()


async def test_seasons_are_asked_about_before_and_after_their_ends(system: System) -> None:
    """The examples above may be over before the clock has crossed both ends: then the questions go on until it has."""
    wanted = {f"m{len(BOARDS)}", f"m{len(BOARDS) + 1}"}
    async with asyncio.timeout(LONGEST_TURN), opened(system, 0) as client:
        while not (turned() >= wanted and len(RESULTS) >= 3):
            await client.step()


def turned() -> set[str]:
    """Boards with a season that was asked about as the present one, and then as a past one."""
    return {board for (board, _), moments in ASKED.items() if moments == {"present", "past"}}


def test_the_tables_and_redis_equal_the_log(system: System) -> None:
    verified = system.run("verify")
    assert verified.returncode == 0, verified.stdout
