"""The routes of the command side, on a log that lies in memory and a fold that says what a test wants."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from command_api.outcomes import Outcomes
from command_api.routes import add_routes
from command_api.state import Commands
from command_api.submitting import Submitting
from shared.boards import Board
from shared.catalogue import fold_catalogue
from shared.catalogue_log import LiveCatalogue
from shared.events import Event, PlayerErased, ScoreRevoked, ScoreSubmitted, decode
from shared.feed import BoardLines, Credit, OutcomeLine, RankChanges, RankLine
from shared.fold.state import Kind
from shared.identity import event_id_of
from shared.log import Appended, Appender
from shared.positions import Position
from shared.postgres import Pool
from shared.problems import add_handlers
from shared.ranking import Standing
from shared.ranks import Page, Ranked
from shared.records import Record
from shared.settings import CommandSettings
from shared.standings import Standings
from shared.topics import TopicName
from tests.asgi import Answer, ask
from tests.builders import CATALOGUE, NOW

LOG = "0123456789abcdef"
KEY = "an-admin-key-of-24-bytes"
RACE = {"board_id": "race", "title": "Race", "game_modes": ["race"], "operator": "best", "order": "asc"}
EVENT = "00000000-0000-4000-8000-000000000001"
ALL = Credit("classic", "all", 50, True, None)
Fold = Callable[[Event, int], RankChanges | None]


class Memory:
    """Topics in memory: the boards topic is followed at once, a fold answers for the events."""

    def __init__(self, live: LiveCatalogue, outcomes: Outcomes, fold: Fold, *, followed: bool) -> None:
        self.live = live
        self.outcomes = outcomes
        self.fold = fold
        self.followed = followed
        self.records: list[tuple[TopicName, bytes | None, bytes | None]] = []

    async def append(self, topic: TopicName, key: bytes | None, value: bytes | None, *, timeout: float) -> Appended:
        await asyncio.sleep(0)
        self.records.append((topic, key, value))
        if topic == "boards":
            return self._append_board(key, value)
        offset = len(self.records)
        changes = self.fold(decode(value), offset) if value is not None else None
        if changes is not None:
            self.outcomes.receive(changes)
        return Appended(3, offset, NOW)

    def _append_board(self, key: bytes | None, value: bytes | None) -> Appended:
        offset = self.live.now.newest + 1
        if self.followed:
            self.live.now = fold_catalogue(self.live.now, [Record(0, offset, NOW, key, value)])
            self.live._moved.set()
        return Appended(0, offset, NOW)

    def facts(self) -> list[tuple[str, Event | None]]:
        return [(topic, None if value is None else decode(value)) for topic, _, value in self.records]


class Profiles:
    """The pool, with the profiles that it finds, or away."""

    def __init__(self, found: dict[str, dict[str, str]] | None) -> None:
        self.found = found
        self.reads = 0

    async def fetch(self, _: str, player_ids: list[str]) -> list[dict[str, Any]]:
        self.reads += 1
        if self.found is None:
            raise OSError("away")
        return [{"player_id": name, "attributes": self.found[name]} for name in player_ids if name in self.found]


class Places:
    """The tables: ann is the seventh with 61 on every board."""

    async def places(self, board: Board, season: str, player_ids: list[str]) -> Page:
        return Page(Position(LOG, {}), 9, [Ranked(7, Standing(player_ids[0], 61, 0, 1, 0))])


class System:
    """The app of the command API with everything behind it in memory."""

    def __init__(
        self,
        fold: Fold = lambda event, offset: None,
        *,
        key: str | None = KEY,
        followed: bool = True,
        profiles: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.live = LiveCatalogue(CATALOGUE)
        outcomes = Outcomes()
        self.log = Memory(self.live, outcomes, fold, followed=followed)
        self.pool = Profiles(profiles)
        settings = CommandSettings(wait_ms=30, admin_key=SecretStr(key) if key is not None else None)
        pool = cast(Pool, self.pool)
        submitting = Submitting(cast(Appender, self.log), outcomes, self.live, pool, LOG, settings)
        self.commands = Commands(submitting, cast(Standings, Places()), pool)
        self.app = FastAPI()
        add_routes(self.app)
        add_handlers(self.app)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        return await ask(self.app, {"commands": self.commands}, method, path, body, **headers)

    async def admin(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        return await self.ask(method, path, body, authorization=f"Bearer {KEY}", **headers)

    async def submit(self, **body: object) -> Answer:
        return await self.ask("POST", "/api/leaderboard/submit", {"user_id": "ann", "score": 50, **body})


def applied(*credits: Credit, kind: Kind = "applied", reason: str | None = None, rows: bool = True) -> Fold:
    """A fold that gives every event these credits, and the player rank 2 from 4 wherever it counts."""

    def fold(event: Event, offset: int) -> RankChanges:
        assert event.attempt is not None
        first: Kind | None = "applied" if kind == "duplicate" else None
        line = OutcomeLine(event.attempt, kind, reason, event.subject, event.id, 3, offset, first, list(credits))
        boards = [
            BoardLines(board_id=each.board_id, season=each.season, total=9, rows=[RankLine("ann", 4, 2, each.value, 5)])
            for each in credits
            if rows and each.reason is None
        ]
        return RankChanges(incarnation=LOG, outcomes=[line], boards=boards, ranks="known" if rows else "unknown")

    return fold


ADMIN_ROUTES = [
    ("POST", "/api/v1/boards"),
    ("PUT", "/api/v1/boards/race"),
    ("POST", "/api/v1/boards/race/retire"),
    ("POST", f"/api/v1/scores/ann/{EVENT}/revoke"),
    ("POST", f"/api/v1/scores/ann/{EVENT}/restore"),
    ("POST", "/api/v1/players/ann/ban"),
    ("POST", "/api/v1/players/ann/reinstate"),
    ("POST", "/api/v1/players/ann/erase"),
]


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
async def test_only_the_admin_gets_through_and_nothing_is_appended(method: str, path: str) -> None:
    closed, system = System(key=None), System()
    assert (await closed.admin(method, path)).status == 403
    for answer in (await system.ask(method, path), await system.ask(method, path, authorization="Bearer wrong")):
        assert (answer.status, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert system.log.records == closed.log.records == []


async def test_a_board_is_defined_revised_and_retired() -> None:
    system = System()
    made = await system.admin("POST", "/api/v1/boards", RACE, idempotency_key="one")
    assert (made.status, made.body["revision"], made.body["retired"], made.body["replayed"]) == (201, 1, False, False)
    assert made.body["event_id"] == event_id_of("race", "one")
    assert made.body["definition"] == orjson.loads(Board.model_validate(RACE).model_dump_json())
    body = {**RACE, "title": "New", "expected_revision": 1}
    revised = await system.admin("PUT", "/api/v1/boards/race", body)
    assert (revised.status, revised.body["revision"], revised.body["definition"]["title"]) == (200, 2, "New")
    retired = await system.admin("POST", "/api/v1/boards/race/retire", {"expected_revision": 2})
    assert (retired.status, retired.body["revision"], retired.body["retired"]) == (200, 3, True)
    events = [event for _, event in system.log.facts() if event is not None]
    assert {event.actor for event in events} == {"admin"}
    assert [key for _, key, _ in system.log.records] == [b"race"] * 3


async def test_a_command_about_a_board_is_replayed_with_its_key() -> None:
    system = System()
    first = await system.admin("POST", "/api/v1/boards", RACE, idempotency_key="one")
    again = await system.admin("POST", "/api/v1/boards", RACE, idempotency_key="one")
    assert (again.status, again.body) == (200, {**first.body, "replayed": True})
    assert len(system.log.records) == 1


async def test_of_two_revisions_that_race_the_first_in_the_log_wins_and_the_retry_of_the_other_says_so_again() -> None:
    system = System()
    await system.admin("POST", "/api/v1/boards", RACE)
    bodies = {title: {**RACE, "title": title, "expected_revision": 1} for title in ("A", "B")}
    revise = (system.admin("PUT", "/api/v1/boards/race", bodies[key], idempotency_key=key) for key in bodies)
    one, two = await asyncio.gather(*revise)
    assert (one.status, two.status) == (200, 409)
    assert one.body["definition"]["title"] == "A"
    assert (two.body["type"], two.body["replayed"]) == ("urn:leaderboard:problem:revision-conflict", False)
    again = await system.admin("PUT", "/api/v1/boards/race", bodies["B"], idempotency_key="B")
    assert (again.status, again.body) == (409, {**two.body, "replayed": True})
    assert len(system.log.records) == 3


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "/api/v1/boards", {**RACE, "board_id": "classic"}, 409, "board_id"),
        ("POST", "/api/v1/boards", {**RACE, "revision": 1}, 422, "revision"),
        ("POST", "/api/v1/boards", {**RACE, "order": "up"}, 422, "order"),
        ("POST", "/api/v1/boards", {**RACE, "title": "a\x00b"}, 422, ""),
        ("POST", "/api/v1/boards", [RACE], 422, ""),
        ("PUT", "/api/v1/boards/race", {**RACE, "expected_revision": 1}, 404, "board_id"),
        ("PUT", "/api/v1/boards/race", RACE, 422, "expected_revision"),
        ("PUT", "/api/v1/boards/other", {**RACE, "expected_revision": 1}, 422, "board_id"),
        ("PUT", "/api/v1/boards/classic", {**RACE, "board_id": "classic", "expected_revision": 1}, 422, "operator"),
        ("POST", "/api/v1/boards/classic/retire", {"expected_revision": 7}, 409, "expected_revision"),
        ("POST", "/api/v1/boards/classic/retire", {}, 422, "expected_revision"),
    ],
)
async def test_what_the_catalogue_does_not_admit_is_refused_by_field_and_not_appended(
    method: str, path: str, body: object, status: int, field: str
) -> None:
    system = System()
    answer = await system.admin(method, path, body)
    assert answer.status == status, answer.body
    assert answer.body["errors"][0]["field"] == field
    assert system.log.records == []


async def test_a_board_that_the_catalogue_does_not_reach_in_time_is_accepted() -> None:
    answer = await System(followed=False).admin("POST", "/api/v1/boards", RACE, idempotency_key="one")
    assert answer.status == 202
    assert answer.body == {"status": "accepted", "board_id": "race", "event_id": event_id_of("race", "one")}


async def test_a_submission_is_answered_by_the_first_board_that_took_it_and_names_them_all() -> None:
    out = Credit("classic", "all", None, False, "out_of_bounds")
    week = Credit("weekly", "2026-W48", 50, True, None)
    answer = await System(applied(out, week)).submit()
    assert (answer.status, answer.body["new_rank"], answer.body["new_total"], answer.body["rank_change"]) == (
        200,
        2,
        50,
        2,
    )
    assert [(each["board_id"], each["counted"], each["reason"]) for each in answer.body["boards"]] == [
        ("classic", False, "out_of_bounds"),
        ("weekly", True, None),
    ]
    assert answer.body["boards"][1] == {
        "board_id": "weekly",
        "season": "2026-W48",
        "counted": True,
        "reason": None,
        "value": 50,
        "personal_best": True,
        "old_rank": 4,
        "new_rank": 2,
        "gap": 5,
    }


async def test_without_ranks_in_the_feed_the_tables_answer_for_the_first_board_alone() -> None:
    answer = await System(applied(ALL, ALL._replace(board_id="weekly"), rows=False)).submit()
    assert (answer.status, answer.body["new_rank"], answer.body["new_total"]) == (200, 7, 61)
    assert [each["new_rank"] for each in answer.body["boards"]] == [None, None]


async def test_a_submission_that_was_counted_before_is_answered_as_replayed() -> None:
    answer = await System(applied(ALL, kind="duplicate")).submit()
    assert (answer.status, answer.body["replayed"], answer.body["new_rank"], answer.body["rank_change"]) == (
        200,
        True,
        2,
        0,
    )


@pytest.mark.parametrize(("reason", "status"), [("banned", 403), ("erased", 410), ("attempts_used_up", 409)])
async def test_a_submission_that_the_fold_refuses_is_a_problem(reason: str, status: int) -> None:
    answer = await System(applied(kind="refused", reason=reason)).submit()
    assert (answer.status, answer.body["type"].rpartition(":")[2]) == (status, reason.replace("_", "-"))


async def test_a_player_who_was_erased_is_not_registered_again() -> None:
    system = System(applied(kind="refused", reason="erased"))
    assert (await system.ask("POST", "/api/v1/players", {"user_id": "ann"})).status == 410


async def test_a_submission_whose_outcome_does_not_come_is_accepted() -> None:
    answer = await System().submit()
    assert (answer.status, answer.body["status"]) == (202, "accepted")
    assert answer.headers["location"].startswith("/api/v1/scores/ann/")


async def _asking(system: System) -> System:
    body = {**RACE, "where": {"player.country": ["DE"]}}
    assert (await system.admin("POST", "/api/v1/boards", body)).status == 201
    return system


async def test_attributes_that_a_board_asks_for_are_stamped_and_no_others() -> None:
    system = await _asking(System(profiles={"ann": {"country": "DE", "team": "red"}}))
    await system.submit(game_mode="race")
    await system.submit(game_mode="race", user_id="bob")
    await system.submit()
    scores = [event.data for _, event in system.log.facts() if event is not None and event.subject != "race"]
    assert [each.attributes for each in scores if isinstance(each, ScoreSubmitted)] == [{"country": "DE"}, {}, None]
    assert system.pool.reads == 2


async def test_a_submission_that_needs_a_profile_is_not_taken_while_postgres_is_away() -> None:
    system = await _asking(System())
    answer = await system.submit(game_mode="race")
    assert (answer.status, answer.body["idempotency_key"]) == (503, answer.headers["idempotency-key"])
    assert len(system.log.records) == 1
    batch = await system.ask("POST", "/api/v1/scores", {"scores": [{"user_id": "a", "score": 1, "game_mode": "race"}]})
    assert [each["status"] for each in batch.body["outcomes"]] == ["unknown"]


async def test_a_batch_is_answered_score_by_score_with_one_position() -> None:
    system = System(applied(ALL))
    scores = [{"user_id": "ann", "score": 1}, {"user_id": "ann"}, {"user_id": "ann", "score": 2, "game_mode": "nope"}]
    answer = await system.ask("POST", "/api/v1/scores", {"scores": [*scores, scores[0]]}, idempotency_key="key")
    assert answer.status == 200
    outcomes = answer.body["outcomes"]
    assert [each["status"] for each in outcomes] == ["applied", "invalid", "invalid", "applied"]
    assert [each["idempotency_key"] for each in outcomes] == [f"key/{n}" for n in range(4)]
    assert outcomes[0]["boards"][0]["new_rank"] == 2
    assert answer.body["position"] == answer.headers["x-position"] == outcomes[3]["position"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scores": []}, 422),
        ({"scores": [None] * 1_001}, 422),
        ({}, 422),
        (b"{", 400),
        (b" " * (1024 * 1024 + 1), 413),
        ({"scores": [{"user_id": "a" * 70_000}]}, 200),
    ],
)
async def test_a_batch_has_bounds(body: object, status: int) -> None:
    assert (await System().ask("POST", "/api/v1/scores", body)).status == status


async def test_a_ruling_is_appended_by_the_admin_and_answered_with_what_it_did() -> None:
    system = System(applied(ALL._replace(value=10, improved=False)))
    path = f"/api/v1/scores/ann/{EVENT}/revoke"
    answer = await system.admin("POST", path, {"reason": "cheating"}, idempotency_key="one")
    assert (answer.status, answer.body["status"], answer.body["replayed"]) == (200, "applied", False)
    assert (answer.body["event_id"], answer.body["boards"][0]["value"]) == (event_id_of("ann", "one"), 10)
    [(topic, event)] = system.log.facts()
    assert event is not None
    assert (topic, event.actor, event.subject) == ("events", "admin", "ann")
    assert event.data == ScoreRevoked(player_id="ann", event_id=EVENT, reason="cheating")


@pytest.mark.parametrize("reason", ["", "He cheated.", None, 3])
async def test_a_reason_is_a_code(reason: object) -> None:
    system = System()
    assert (await system.admin("POST", "/api/v1/players/ann/ban", {"reason": reason})).status == 422
    assert system.log.records == []


async def test_a_ruling_on_an_unknown_player_is_refused() -> None:
    system = System(applied(kind="refused", reason="unknown_player"))
    assert (await system.admin("POST", "/api/v1/players/ann/ban", {"reason": "cheating"})).status == 404


async def test_a_ruling_whose_outcome_does_not_come_is_accepted() -> None:
    answer = await System().admin("POST", "/api/v1/players/ann/reinstate", {"reason": "appeal"})
    assert (answer.status, answer.body["status"], answer.body["boards"]) == (202, "accepted", [])


@pytest.mark.parametrize(("body", "entries"), [({}, "anonymous"), ({"entries": "removed"}, "removed")])
async def test_erasing_forgets_the_profile_first(body: object, entries: str) -> None:
    system = System(applied())
    assert (await system.admin("POST", "/api/v1/players/ann/erase", body)).status == 200
    (first, key, value), (second, _, fact) = system.log.records
    assert (first, key, value, second) == ("players", b"ann", None, "events")
    erased = decode(fact).data
    assert isinstance(erased, PlayerErased)
    assert erased.entries == entries
