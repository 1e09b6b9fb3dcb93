"""`leaderboard verify`: the tables and the rank index against the pure fold of the log."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import asyncpg
from rich.console import Console

from shared.boards import Board
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.clock import now
from shared.fold.fold import fold
from shared.fold.players import Profile, fold_profile
from shared.fold.state import KINDS, Entry, Session, State, Step
from shared.histories import ENTRY, read_entry
from shared.incarnation import read_incarnation
from shared.log import Reader, open_reader
from shared.postgres import Connection, open_connection
from shared.ranking import (
    Standing,
    applied_key,
    board_keys,
    digest_line,
    encode_detail,
    encode_member,
    names_key,
    order_key,
    sort_value,
    whole_version,
)
from shared.records import receive
from shared.redis import Client, as_map, node_of, open_redis, round_trip
from shared.redis_cluster import Cluster
from shared.seasons import is_over, season_of
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, RedisSettings
from shared.topics import Place

NAME = "verify"
SHOWN = 10
"""Differences that are printed."""
READ_TIMEOUT = 60.0
"""Seconds for reading a whole board from Redis."""
TRIES = 5
"""To read all nodes of a Redis Cluster while none of them is written to."""
STANDINGS = """
select board_id, season, kind, place, player_id, value, reached_at, games_played, sort_value, better
from season_standings
"""
ENTRIES = f"select e.sort_value, {ENTRY} from leaderboard_entries e"  # noqa: S608 - of constants
RESULTS = "select board_id, season, kind, cut, players, digest from season_results"
SQL_CHECK = """
with plain as (
    select board_id, definition as d from boards
    where definition->>'revision' = '1' and definition->'max_attempts' = 'null' and definition->'where' = '{}'
), counted as (
    select b.board_id, t.season, s.player_id, count(*) as games, max(s.clock) as updated_at, case b.d->>'operator'
        when 'sum' then sum(s.score) when 'count' then count(*)
        when 'latest' then (array_agg(s.score order by s."offset" desc))[1]
        else case b.d->>'order' when 'asc' then min(s.score) else max(s.score) end end as value
    from game_sessions s
    join plain b on b.d->'game_modes' ? s.game_mode
    join seasons t on t.board_id = b.board_id and s.clock >= t.starts_at and (t.ends_at is null or s.clock < t.ends_at)
    join players p on p.player_id = s.player_id and not p.banned and p.erased is distinct from 'removed'
    where s.outcome = 'applied' and not s.revoked
        and s.score between (b.d->>'minimum')::bigint and (b.d->>'maximum')::bigint
        and s.clock >= coalesce((b.d->>'starts_at')::bigint, 0)
    group by b.board_id, b.d, t.season, s.player_id
)
select coalesce(c.board_id, e.board_id) as board_id, coalesce(c.season, e.season) as season,
    coalesce(c.player_id, e.player_id) as player_id,
    c.value as wanted, e.value as found, c.games as wanted_games, e.games_played as found_games
from counted c full join (
    select e.* from leaderboard_entries e join plain using (board_id) where e.value is not null
) e on e.board_id = c.board_id and e.season = c.season and e.player_id = c.player_id
where (c.value, c.games, c.updated_at) is distinct from (e.value::numeric, e.games_played::bigint, e.updated_at)
    and abs(coalesce(c.value, 0)) <= 9007199254740991
order by 1, 2, 3
"""
"""The definition of best, sum, latest and count once more, with none of our fold: for boards of one revision that take
every score within their bounds, and totals that stay exact."""


class IndexMoving(OSError):
    """A Redis Cluster that is written to all the time cannot be read as of one instant."""


@dataclass(slots=True)
class Report:
    """What was compared, and what differs."""

    compared: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def compare(self, what: str, wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> None:
        """Compare two tables, row by row."""
        self.compared.append(f"{what}: {len(wanted)} rows")
        for key in sorted(wanted.keys() | found.keys(), key=str):
            if wanted.get(key) != found.get(key):
                self.differences.append(
                    f"{what} {key}: the log gives {wanted.get(key, 'no row')}, found {found.get(key, 'no row')}"
                )

    def lines(self) -> list[str]:
        """The report, for people."""
        shown = [f"DIFFERENT {line}" for line in self.differences[:SHOWN]]
        more = len(self.differences) - len(shown)
        verdict = "equal" if self.equal else f"NOT EQUAL: {len(self.differences)} differences"
        return [*self.compared, *shown, *([f"... and {more} more"] if more > 0 else []), verdict]


@dataclass(slots=True)
class Folded:
    """The pure fold of the log up to given offsets."""

    state: State = field(default_factory=State)
    profiles: dict[str, Profile] = field(default_factory=dict)
    closed: dict[tuple[str, str], list[Standing]] = field(default_factory=dict)
    """Board and season → what each partition that it has ended in held of it at that moment."""

    def take(self, step: Step | None) -> None:
        """Remember the rows of a season that ends in a partition."""
        if step is not None and step.ended is not None:
            end = step.ended
            rows = self.closed.setdefault((end.board_id, end.season), [])
            rows += standings_in(self.state, end.board_id, end.season, {end.partition})


async def verify(
    kafka: KafkaSettings, postgres: PostgresSettings, redis: RedisSettings, naming: NamingSettings, console: Console
) -> Report:
    """Compare Postgres and Redis, each at its own position, with the fold of the log up to there."""
    report = Report()
    incarnation = await read_incarnation(kafka, naming, NAME, "events")
    catalogue = await CatalogueLog(kafka, naming, NAME).read(Catalogue())
    async with open_reader(kafka, naming, NAME) as reader, open_redis(redis, NAME) as client:
        tables = await _read_tables(postgres, naming)
        with console.status("folding the log"):
            folded = await _fold_to(reader, catalogue, tables.offsets)
        report.compared.append(f"Postgres at {_at(tables.offsets)} of log {incarnation}")
        _compare_tables(report, tables, folded, catalogue)
        index = await _read_index(client, naming.prefix, _kept(tables, catalogue, redis.keep_ms))
        offsets: dict[Place, int] = {
            ("events", partition): offset for partition, offset in index.offsets(incarnation).items()
        }
        if any(tables.offsets.get(at, 0) != offset for at, offset in offsets.items()):
            with console.status("folding the log to where Redis is"):
                folded = await _fold_to(reader, catalogue, {**tables.offsets, **offsets})
        report.compared.append(f"Redis at {_at(offsets)}")
        _compare_index(report, index, folded, catalogue, incarnation, tables.offsets)
    return report


# --- the log ---------------------------------------------------------------------------------


async def _fold_to(reader: Reader, catalogue: Catalogue, offsets: Mapping[Place, int]) -> Folded:
    """Fold everything before the given offsets."""
    folded = Folded()
    left = {at: offset for at, offset in offsets.items() if offset > 0}
    reader.assign(dict.fromkeys(left, 0))
    while left:
        for topic, record in await reader.read(limit=5_000, wait_ms=1_000):
            at = topic, record.partition
            if at not in left or record.offset >= left[at]:
                left.pop(at, None)
                continue
            received = receive(record)
            if topic == "events":
                folded.take(fold(folded.state, catalogue, received))
            elif (profile := fold_profile(catalogue, received)) is not None:
                folded.profiles[profile.player_id] = profile
            if record.offset + 1 >= left[at]:
                del left[at]
    return folded


def _at(offsets: Mapping[Place, int]) -> str:
    named = [f"{topic}/{partition}:{offset}" for (topic, partition), offset in sorted(offsets.items())]
    return " ".join(named)


# --- Postgres --------------------------------------------------------------------------------


@dataclass(slots=True)
class Tables:
    """The tables, of one snapshot."""

    offsets: dict[Place, int]
    checkpoints: dict[int, tuple[Any, ...]]
    players: dict[str, tuple[Any, ...]]
    profiles: dict[str, tuple[Any, ...]]
    sessions: dict[tuple[str, str], tuple[Any, ...]]
    rulings: dict[tuple[str, str], tuple[Any, ...]]
    ended: dict[tuple[str, str, int], tuple[Any, ...]]
    entries: dict[tuple[str, str, str], tuple[Any, ...]]
    versions: dict[tuple[str, str, int], int]
    results: dict[tuple[str, str, str], asyncpg.Record]
    standings: dict[tuple[str, str, str, int], tuple[Any, ...]]
    by_sql: list[asyncpg.Record]


async def _read_tables(postgres: PostgresSettings, naming: NamingSettings) -> Tables:
    async with open_connection(postgres, NAME, timeout=None, schema=naming.schema_name) as connection:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await _snapshot(connection)


async def _snapshot(connection: Connection) -> Tables:
    checkpoints = await connection.fetch("select * from checkpoints")
    players = await connection.fetch(
        'select player_id, partition, "offset", registered_at, banned, erased from players'
    )
    profiles = await connection.fetch('select player_id, username, partition, "offset" from profiles')
    sessions = await connection.fetch(
        'select player_id, event_id::text, partition, "offset", clock, game_mode, score, metadata, payload_hash,'
        " outcome, reason, actor, attributes, catalogue, revoked from game_sessions"
    )
    entries = [(read_entry(tuple(row)[1:]), row["sort_value"]) for row in await connection.fetch(ENTRIES)]
    rulings = await connection.fetch(
        'select player_id, event_id::text, kind, target::text, reason, actor, partition, "offset", clock from rulings'
    )
    ended = await connection.fetch('select board_id, season, partition, "offset", clock from season_ends')
    versions = await connection.fetch("select board_id, season, partition, version from board_versions")
    return Tables(
        offsets={(row["topic"], row["partition"]): row["next_offset"] for row in checkpoints},
        checkpoints={row["partition"]: _checkpoint(row) for row in checkpoints if row["topic"] == "events"},
        players={row["player_id"]: tuple(row)[1:] for row in players},
        profiles={row["player_id"]: (row["username"], row["partition"], row["offset"]) for row in profiles},
        sessions={(row["player_id"], row["event_id"]): tuple(row)[2:] for row in sessions},
        rulings={tuple(row)[:2]: tuple(row)[2:] for row in rulings},
        ended={tuple(row)[:3]: tuple(row)[3:] for row in ended},
        entries={entry.key: (entry.standing, sort, entry.partition, entry.offset) for entry, sort in entries},
        versions={(row["board_id"], row["season"], row["partition"]): row["version"] for row in versions},
        results={tuple(row)[:3]: row for row in await connection.fetch(RESULTS)},
        standings={tuple(row)[:4]: tuple(row)[4:] for row in await connection.fetch(STANDINGS)},
        by_sql=await connection.fetch(SQL_CHECK),
    )


def _checkpoint(row: asyncpg.Record) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("next_offset", "clock", "catalogue", *KINDS))


def _compare_tables(report: Report, tables: Tables, folded: Folded, catalogue: Catalogue) -> None:
    state = folded.state
    partitions = {
        number: (each.next_offset, each.clock, each.catalogue, *each.counts.values())
        for number, each in state.partitions.items()
    }
    begun = {number: row for number, row in tables.checkpoints.items() if row[0]}
    profiles = {key: (each.username, each.partition, each.offset) for key, each in folded.profiles.items()}
    report.compare("checkpoint", partitions, begun)
    report.compare("player", {key: tuple(each)[1:] for key, each in state.players.items()}, tables.players)
    report.compare("profile", profiles, tables.profiles)
    report.compare("session", {key: _session(each) for key, each in state.sessions.items()}, tables.sessions)
    report.compare("ruling", {key: tuple(each)[2:] for key, each in state.rulings.items()}, tables.rulings)
    report.compare("end of season", {key: tuple(each)[3:] for key, each in state.ended.items()}, tables.ended)
    report.compare("entry", {key: _entry(each, catalogue) for key, each in state.entries.items()}, tables.entries)
    report.compare("board version", _versions(state.entries.values()), tables.versions)
    _compare_results(report, tables, folded, catalogue)
    report.compared.append(f"plain SQL over game_sessions against the entries: {len(tables.entries)} rows")
    report.differences += [f"entry by plain SQL {dict(row)}" for row in tables.by_sql]


def _compare_results(report: Report, tables: Tables, folded: Folded, catalogue: Catalogue) -> None:
    """Results of seasons; one that is about to be corrected is not compared, for the tables are ahead of it."""
    wanted: dict[tuple[str, str, str], str] = {}
    found: dict[tuple[str, str, str], str] = {}
    standings: dict[tuple[str, str, str, int], tuple[Any, ...]] = {}
    for (board_id, season, kind), row in tables.results.items():
        board = catalogue.board(board_id)
        assert board is not None, board_id
        rows = folded.closed.get((board_id, season), [])
        if kind == "corrected":
            if any(tables.versions.get((board_id, season, int(p)), -1) >= offset for p, offset in row["cut"].items()):
                continue
            rows = list(standings_in(folded.state, board_id, season))
        rows.sort(key=partial(order_key, board.order))
        found[board_id, season, kind] = row["digest"]
        wanted[board_id, season, kind] = digest_of(board, rows)
        standings |= {(board_id, season, kind, place): row for place, row in enumerate(_standings(board, rows))}
    report.compare("season result", wanted, found)
    compared = {key: row for key, row in tables.standings.items() if key[:3] in wanted}
    report.compare("row of a season result", standings, compared)


def digest_of(board: Board, rows: Iterable[Standing]) -> str:
    """The digest of a result with these rows."""
    digest = hashlib.sha256()
    for place, each in enumerate(sorted(rows, key=partial(order_key, board.order))):
        digest.update(digest_line(place, each.player_id, each.value, each.reached_at, each.games_played))
    return digest.hexdigest()


def _standings(board: Board, ordered: Sequence[Standing]) -> Iterator[tuple[Any, ...]]:
    """Rows as they are written down for a season that is over."""
    sorts = [sort_value(board.order, each.value) for each in ordered]
    better = {sort: number for number, sort in enumerate(sorted(set(sorts)))}
    for each, sort in zip(ordered, sorts, strict=True):
        yield each.player_id, each.value, each.reached_at, each.games_played, sort, better[sort]


def standings_in(
    state: State, board_id: str, season: str, partitions: Collection[int] | None = None
) -> Iterator[Standing]:
    """The rows of a season of a board, of some partitions or of all."""
    for entry in state.entries.values():
        at_home = (entry.board_id, entry.season) == (board_id, season)
        if at_home and entry.standing is not None and (partitions is None or entry.partition in partitions):
            yield entry.standing


def _session(session: Session) -> tuple[Any, ...]:
    return (
        *(session.partition, session.offset, session.clock, session.game_mode, session.score, session.metadata),
        *(session.payload_hash, session.outcome, session.reason, session.actor),
        *(session.attributes, session.catalogue, session.revoked),
    )


def _entry(entry: Entry, catalogue: Catalogue) -> tuple[Any, ...]:
    board = catalogue.board(entry.board_id)
    assert board is not None, entry
    sort = sort_value(board.order, entry.standing.value) if entry.standing is not None else None
    return entry.standing, sort, entry.partition, entry.offset


def _versions(entries: Iterable[Entry]) -> dict[tuple[str, str, int], int]:
    """The last offset of each partition that touched each season of a board."""
    versions: dict[tuple[str, str, int], int] = {}
    for entry in entries:
        at = entry.board_id, entry.season, entry.partition
        versions[at] = max(versions.get(at, -1), entry.offset)
    return versions


# --- Redis -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Index:
    """The rank index, read at once."""

    applied: dict[str, str]
    names: dict[str, str]
    boards: dict[tuple[str, str], tuple[list[tuple[str, float]], dict[str, str], dict[str, str], list[Any]]]
    """Board and season → members in rank order with their scores, details, version, distinct scores."""

    def versions(self) -> list[dict[str, str]]:
        """What changes with each write."""
        return [self.applied, *(version for _, _, version, _ in self.boards.values())]

    def offsets(self, incarnation: str) -> dict[int, int]:
        """The position that every board reflects: `applied`, or beyond it what a board says."""
        held = {int(key): int(value) for key, value in self.applied.items() if key.isdigit()}
        for _, _, version, _ in self.boards.values():
            for partition, offset in (whole_version(version, incarnation) or {}).items():
                held[partition] = max(held.get(partition, 0), offset + 1)
        return held


def _kept(tables: Tables, catalogue: Catalogue, keep: int) -> list[tuple[str, str]]:
    """The seasons that are read from Redis, as far as the tables name them: those without any row are in neither."""
    boards, since = {board.board_id: board for board in catalogue.boards()}, now() - keep
    seasons = {(board_id, season) for board_id, season, _ in tables.versions}
    return sorted(at for at in seasons if not is_over(season_of(boards[at[0]], at[1]), since))


async def _read_index(client: Client, prefix: str, seasons: Sequence[tuple[str, str]]) -> Index:
    """What Redis holds of these seasons, at one instant. Raises IndexMoving."""
    for _ in range(TRIES):
        index = await _read_at_once(client, prefix, seasons)
        # Each node answers for an instant of its own: it was one for all if nothing has moved meanwhile.
        if not isinstance(client, Cluster) or await _read_versions(client, prefix, seasons) == index.versions():
            return index
    raise IndexMoving(f"Redis was written to in each of {TRIES} reads of it: verify a cluster while fewer submit")


async def _read_at_once(client: Client, prefix: str, seasons: Sequence[tuple[str, str]]) -> Index:
    """The same, in one transaction a node."""
    head = await node_of(client, applied_key(prefix))
    nodes = {at: await node_of(client, board_keys(prefix, *at).ranks) for at in seasons}
    pipelines = {node: node.pipeline(transaction=True) for node in (head, *nodes.values())}
    pipelines[head].hgetall(applied_key(prefix))
    pipelines[head].hgetall(names_key(prefix))
    for at, node in nodes.items():
        keys = board_keys(prefix, *at)
        pipelines[node].zrange(keys.ranks, 0, -1, withscores=True)
        pipelines[node].hgetall(keys.members)
        pipelines[node].hgetall(keys.version)
        pipelines[node].zrange(keys.values, 0, -1, withscores=True)
    replies = {}
    for node, pipeline in pipelines.items():
        node.connection_pool.connection_kwargs["socket_timeout"] = READ_TIMEOUT
        replies[node] = iter(await pipeline.execute())
    applied, names = islice(replies[head], 2)
    return Index(applied, names, {at: tuple(islice(replies[node], 4)) for at, node in nodes.items()})


async def _read_versions(client: Client, prefix: str, seasons: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    keys = [applied_key(prefix), *(board_keys(prefix, *at).version for at in seasons)]
    return [as_map(reply) for reply in await round_trip(client, [("HGETALL", key) for key in keys])]


def _compare_index(
    report: Report,
    index: Index,
    folded: Folded,
    catalogue: Catalogue,
    incarnation: str,
    places: Collection[Place],
) -> None:
    if index.applied.get("incarnation") != incarnation:
        report.differences.append(f"redis applied: of log {index.applied.get('incarnation')}, expected {incarnation}")
    wanted_versions = _versions(folded.state.entries.values())
    for at, (ranked, details, version, values) in index.boards.items():
        board = catalogue.board(at[0])
        assert board is not None, at
        rows = (entry for entry in folded.state.entries.values() if (entry.board_id, entry.season) == at)
        entries = [entry.standing for entry in rows if entry.standing is not None]
        entries.sort(key=partial(order_key, board.order))
        partitions = [partition for topic, partition in places if topic == "events"]
        wanted = {"incarnation": incarnation, "partitions": str(len(partitions))}
        wanted |= {str(partition): str(wanted_versions.get((*at, partition), -1)) for partition in partitions}
        name = "/".join(at)
        report.compare(f"redis {name} version", wanted, version)
        report.compare(f"redis {name} detail", {each.player_id: encode_detail(each) for each in entries}, details)
        report.compare(
            f"redis {name} rank",
            {rank: (encode_member(each), sort_value(board.order, each.value)) for rank, each in enumerate(entries, 1)},
            {rank: (member, int(score)) for rank, (member, score) in enumerate(ranked, 1)},
        )
        distinct = {sort_value(board.order, each.value) for each in entries} if board.ties == "dense" else set()
        found = {int(score): int(member) for member, score in values}
        report.compare(f"redis {name} value", {each: each for each in distinct}, found)
    names = {key: value for key, value in index.names.items() if not key.startswith("$")}
    called = {key: each.username for key, each in folded.profiles.items() if each.username is not None}
    report.compare("redis name", called, names)
