"""The rank index in Redis: a versioned projection of Postgres, applied after the commit.

Redis is never waited for longer than its timeout. When it is away, behind, ahead or foreign, this says so
(`RanksUnknown`), and `repair` brings the partitions of this projector back from the tables.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import structlog

from projector.batch import BoardChange, BoardSeason, Versions
from projector.store import Store, require_marks
from shared.boards import Board
from shared.clock import now
from shared.fold.players import Profile
from shared.fold.state import Entry
from shared.histories import ENTRY, read_entry
from shared.identity import new_id
from shared.rank_changes import BoardLines, RankLine
from shared.ranking import (
    ANEW,
    NAMES_MARK,
    applied_key,
    board_keys,
    encode_detail,
    names_key,
    sort_value,
    whole_version,
)
from shared.redis import DOWN, Client, Script, as_map, round_trip
from shared.seasons import DIFFERENCE, is_over, season_of
from shared.topics import Place, TopicName

APPLY = Script("projector", "chain.lua", "apply.lua")
MARK = Script("projector", "chain.lua", "mark.lua")
CHUNK = 1_000
"""Rows a call while a board is repaired: about 10 ms, for which Redis serves nobody else."""
READ_WITHIN = 60.0
"""Seconds for the rows of a board that is repaired."""
ENTRIES = f"""
select {ENTRY} from leaderboard_entries e join unnest($3::int[], $4::bigint[]) k(partition, after) using (partition)
where e.board_id = $1 and e.season = $2 and e."offset" > k.after
"""  # noqa: S608 - of constants
PROFILES = 'select player_id, username from profiles where partition = $1 and "offset" >= $2'

Link: TypeAlias = tuple[int, str | int, str | int]
"""Partition, from, to: see chain.lua."""

log = structlog.get_logger()


class RanksUnknown(Exception):
    """Redis did not take the batch: it is away, or does not hold what the batch builds on."""


class Held(NamedTuple):
    """What Redis has to hold of the partitions of a projector: that, and neither less nor more."""

    boards: Mapping[BoardSeason, Mapping[int, int]]
    """Season of a board → partition → last offset that touched it, -1 for none."""
    offsets: Mapping[Place, int]


class RankWriter:
    """Writes the rank index. `partitions` says how many each topic has, `incarnations` which log it is.

    `beat` is called as a repair goes on, which may take long. `keep`: for how many milliseconds after its end a season
    is read from Redis; it is kept right for `DIFFERENCE` longer, and let go after twice that.
    """

    def __init__(
        self,
        client: Client,
        prefix: str,
        incarnations: Mapping[TopicName, str],
        partitions: Mapping[TopicName, int],
        beat: Callable[[], None],
        keep: int,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._beat = beat
        self._keep = keep
        self._log = {topic: (incarnations[topic], partitions[topic]) for topic in incarnations}

    def kept(self, boards: Mapping[str, Board], seasons: Iterable[BoardSeason]) -> set[BoardSeason]:
        """Those of these seasons that Redis has to hold."""
        since = self.kept_since()
        return {at for at in seasons if not is_over(season_of(boards[at[0]], at[1]), since)}

    def kept_since(self) -> int:
        """Seasons that were over at this time (milliseconds) are not in Redis any more."""
        return now() - self._keep - DIFFERENCE

    async def apply(self, boards: Mapping[str, Board], changes: Mapping[BoardSeason, BoardChange]) -> list[BoardLines]:
        """Put a batch's changes into boards, in one round trip; ranks before and after. Raises RanksUnknown.

        A board of which another partition is not in Redis is left out: the change is in, but ranks cannot be told.
        """
        calls = [self._call_of(at, boards[at[0]], change) for at, change in changes.items()]
        answers = await _asked(APPLY.run_each(self._client, calls)) if calls else []
        lines = (
            self._lines_of(at, boards[at[0]], change, _taken(at, answer))
            for (at, change), answer in zip(changes.items(), answers, strict=True)
        )
        return [each for each in lines if each is not None]

    def _call_of(self, at: BoardSeason, board: Board, change: BoardChange) -> tuple[list[str], list[str | int]]:
        links = [(partition, previous, new) for partition, (previous, new) in change.chain.items()]
        return self._call(at, board, links, [*_rows(board, change.written.values()), *_questions(change.asked)])

    def _lines_of(
        self, at: BoardSeason, board: Board, change: BoardChange, taken: tuple[Any, Any, Any]
    ) -> BoardLines | None:
        pairs, total, found = taken
        version = whole_version(dict(zip(pairs[0::2], pairs[1::2], strict=True)), self._log["events"][0])
        if version is None:
            return None
        lines = _lines(board, [*change.written, *change.asked], found)
        return BoardLines(board_id=at[0], season=at[1], total=total, rows=lines, version=version)

    async def mark_applied(self, moves: Mapping[int, tuple[int, int]]) -> None:
        """Partition → from, to: how far all boards are now; after every board of a batch. Raises RanksUnknown."""
        await self._mark("events", [(partition, *move) for partition, move in moves.items()])

    async def name(self, profiles: Iterable[Profile], moves: Mapping[int, tuple[int, int]]) -> None:
        """Put display names in, and how far the players topic is reflected. Raises RanksUnknown."""
        rows = [part for each in profiles for part in (each.partition, each.player_id, each.username or "")]
        await self._mark("players", [(partition, *move) for partition, move in moves.items()], rows)

    async def holds(self, wanted: Held) -> bool:
        """Whether Redis is where it has to be: false after a loss, a restart empty or with old data."""
        try:
            boards = await self._versions(list(wanted.boards))
            marks = {topic: await self._marks(topic) for topic in self._log}
        except RanksUnknown:
            return False
        return all(
            held.get(str(partition)) == str(version)
            for held, versions in zip(boards, wanted.boards.values(), strict=True)
            for partition, version in versions.items()
        ) and all(marks[topic].get(str(number)) == str(offset) for (topic, number), offset in wanted.offsets.items())

    async def repair(
        self, store: Store, epochs: Mapping[Place, int], boards: Mapping[str, Board], wanted: Held
    ) -> list[BoardSeason]:
        """Make Redis hold just that; the seasons that had to be touched. Raises RanksUnknown, Fenced.

        `applied` is lowered first and raised last: what a board says of itself is never older than what that says.
        """
        await store.require(epochs, wanted.offsets)  # who only thinks that it knows the tables touches nothing
        await self._remark("events", wanted, lambda held, offset: held > offset)
        repaired = [at for at in wanted.boards if await self._repair_board(store, epochs, boards[at[0]], at, wanted)]
        await self._repair_names(store, wanted)
        await self._remark("events", wanted, lambda held, offset: held != offset)
        return repaired

    async def empty(self, board: Board, at: BoardSeason) -> None:
        """Let nothing be known of a season: its rows are to be others at the same version. Raises RanksUnknown."""
        held = await self._version(at)
        await self._put(at, board, [(0, f"={held.get('0', '')}", "!")], [])

    async def rename(self, profiles: Sequence[Profile]) -> None:
        """Put names right without moving on; whoever keeps rows finds that they may be others. Raises RanksUnknown."""
        held = await self._marks("players")
        rows: list[list[str | int]] = [[each.partition, each.player_id, each.username or ""] for each in profiles]
        for partition in {0, *(each.partition for each in profiles)}:
            own = [row for row in rows if row[0] == partition]
            for first in range(0, max(1, len(own)), CHUNK):
                known = held.get(str(partition), "")
                part = [part for row in own[first : first + CHUNK] for part in row]
                await self._mark("players", [(partition, f"={known}", known)], [partition, ANEW, new_id(), *part])

    async def _repair_board(
        self, store: Store, epochs: Mapping[Place, int], board: Board, at: BoardSeason, wanted: Held
    ) -> bool:
        versions = wanted.boards[at]
        found = held = await self._version(at)
        if any(_is_ahead(held, partition, version) for partition, version in versions.items()):
            await self._empty(board, at, held, versions)
            held = {str(partition): "-" for partition in versions}
        behind = {number: version for number, version in versions.items() if held.get(str(number)) != str(version)}
        if not behind:
            return False
        entries = await self._entries(store, epochs, at, wanted, {each: _number(held, each) for each in behind})
        for partition, version in behind.items():
            known = held.get(str(partition), "")
            rows = [_row(board, each) for each in entries if each.partition == partition]
            for link, part in _parts(partition, known, version, rows):
                await self._put(at, board, [link], part)
                self._beat()
        log.info("board_repaired", board=at[0], season=at[1], held=found, wanted=behind)
        return True

    async def _entries(
        self, store: Store, epochs: Mapping[Place, int], at: BoardSeason, wanted: Held, after: Mapping[int, int]
    ) -> list[Entry]:
        """The rows above these versions, of one instant at which the tables are where `wanted` says. Raises Fenced."""
        async with store.snapshot() as tables:
            await require_marks(tables, epochs, wanted.offsets)
            rows = await tables.fetch(ENTRIES, *at, list(after), list(after.values()), timeout=READ_WITHIN)
        return [read_entry(row) for row in rows]

    async def _empty(self, board: Board, at: BoardSeason, held: Mapping[str, str], versions: Mapping[int, int]) -> None:
        """Ahead: Postgres has lost commits. Rows that it does not know must go, so the whole board goes, if it is
        still what was seen; everybody puts their partitions in again."""
        partition = next(number for number, version in versions.items() if _is_ahead(held, number, version))
        await self._put(at, board, [(partition, f"={held[str(partition)]}", "!")], [])

    async def _repair_names(self, store: Store, wanted: Held) -> None:
        held = await self._marks("players")
        for (topic, partition), offset in wanted.offsets.items():
            known = held.get(str(partition), "")
            if topic != "players" or known == str(offset):
                continue
            reached = _number(held, partition)
            async with store.snapshot() as tables:
                profiles = await tables.fetch(PROFILES, partition, reached if reached < offset else 0)
            rows: list[list[str | int]] = [[partition, row["player_id"], row["username"] or ""] for row in profiles]
            for link, part in _parts(partition, known, offset, rows):
                await self._mark("players", [link], part)
                self._beat()

    async def _remark(self, topic: TopicName, wanted: Held, if_so: Callable[[int, int], bool]) -> None:
        """Set the mark of a topic's partitions where it is not what it has to be."""
        held = await self._marks(topic)
        for (name, partition), offset in wanted.offsets.items():
            if name == topic and if_so(_number(held, partition), offset):
                await self._mark(topic, [(partition, f"={held.get(str(partition), '')}", offset)])

    async def _version(self, at: BoardSeason) -> dict[str, str]:
        """The version fields of a season of a board; none where it is not of this log."""
        return (await self._versions([at]))[0]

    async def _versions(self, seasons: Sequence[BoardSeason]) -> list[dict[str, str]]:
        asked = [("HGETALL", board_keys(self._prefix, *at).version) for at in seasons]
        replies = await _asked(round_trip(self._client, asked)) if asked else []
        return [_ours(as_map(reply), *self._log["events"]) for reply in replies]

    async def _marks(self, topic: TopicName) -> dict[str, str]:
        """Partition → how far Redis says it is; nothing where it is not of this log."""
        key, prefix = self._mark_key(topic)
        numbers = [str(partition) for partition in range(self._log[topic][1])]
        fields = ["incarnation", "partitions", *numbers]
        values = await _asked(self._client.hmget(key, [prefix + name for name in fields]))
        held: dict[str, Any] = {name: value for name, value in zip(fields, values, strict=True) if value is not None}
        return _ours(held, *self._log[topic])

    def _mark_key(self, topic: TopicName) -> tuple[str, str]:
        """The hash that says how far a topic is reflected, and what its fields begin with."""
        return (applied_key(self._prefix), "") if topic == "events" else (names_key(self._prefix), NAMES_MARK)

    async def _put(self, at: BoardSeason, board: Board, links: Sequence[Link], rows: Sequence[str | int]) -> None:
        keys, arguments = self._call(at, board, links, rows)
        _taken(at, await self._run(APPLY, keys, arguments))

    def _call(
        self, at: BoardSeason, board: Board, links: Sequence[Link], rows: Sequence[str | int]
    ) -> tuple[list[str], list[str | int]]:
        """The keys and the arguments of the script that writes into a season of a board."""
        flat = [part for link in links for part in link]
        head = *self._log["events"], board.ties, self._let_go_at(board, at[1]), len(links)
        return board_keys(self._prefix, *at).all, [*head, *flat, *rows]

    def _let_go_at(self, board: Board, season: str) -> str | int:
        """When Redis is to forget a season: after every reader and every projector has."""
        ends_at = season_of(board, season).ends_at
        return "" if ends_at is None else ends_at + self._keep + 2 * DIFFERENCE

    async def _mark(self, topic: TopicName, links: Sequence[Link], rows: Sequence[str | int] = ()) -> None:
        key, prefix = self._mark_key(topic)
        flat = [part for link in links for part in link]
        if await self._run(MARK, [key], [*self._log[topic], prefix, len(links), *flat, *rows]) != "OK":
            raise RanksUnknown(f"{topic}: Redis is not where this begins")

    async def _run(self, script: Script, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        return await _asked(script.run(self._client, keys, arguments))


def _taken(at: BoardSeason, answer: list[Any]) -> tuple[Any, Any, Any]:
    """What the script says of a change that it took: version, total, ranks. Raises RanksUnknown."""
    if answer[0] != "OK":
        raise RanksUnknown(f"{at[0]}/{at[1]}: Redis does not hold what this builds on")
    return answer[1], answer[2], answer[3]


async def _asked(question: Awaitable[Any]) -> Any:
    """What Redis answers. Raises RanksUnknown when it does not."""
    try:
        return await question
    except DOWN as error:
        raise RanksUnknown(f"{type(error).__name__}: {error}") from error  # its repr does not say what Redis said


def held_of(versions: Versions, offsets: Mapping[Place, int]) -> Held:
    """What Redis has to hold of the partitions in `offsets`, when the tables hold these versions."""
    own = sorted(partition for topic, partition in offsets if topic == "events")
    return Held(
        {at: {number: held.get(number, -1) for number in own} for at, held in sorted(versions.items())}, offsets
    )


def _ours(held: dict[str, str], incarnation: str, partitions: int) -> dict[str, str]:
    """The fields of a hash, none where it belongs to another log."""
    head = held.pop("incarnation", None), held.pop("partitions", None)
    return held if head == (incarnation, str(partitions)) else {}


def _number(held: Mapping[str, str], partition: int) -> int:
    """The version of a partition; -1 where there is none, or a token of a repair."""
    known = held.get(str(partition), "")
    return int(known) if known.isdigit() else -1


def _is_ahead(held: Mapping[str, str], partition: int, version: int) -> bool:
    """Whether Redis may hold rows that the tables do not know: a later version, or a repair that did not end."""
    return _number(held, partition) > version or held.get(str(partition), "").startswith("~")


def _parts(
    partition: int, known: str, wanted: int, rows: Sequence[Sequence[str | int]]
) -> Iterable[tuple[Link, list[str | int]]]:
    """The calls that repair a partition: until the last one, its field holds a token of this repair."""
    token = f"~{new_id()}"
    chunks = [rows[first : first + CHUNK] for first in range(0, len(rows), CHUNK)] or [()]
    for number, chunk in enumerate(chunks, 1):
        to: str | int = wanted if number == len(chunks) else token
        yield (partition, f"={known}", to), [part for row in chunk for part in row]
        known = token


def _row(board: Board, entry: Entry) -> list[str | int]:
    """A row to write, as the script takes it: partition, player, score, detail."""
    if entry.standing is None:
        return [entry.partition, entry.player_id, "-", ""]
    value = sort_value(board.order, entry.standing.value)
    return [entry.partition, entry.player_id, value, encode_detail(entry.standing)]


def _rows(board: Board, entries: Iterable[Entry]) -> list[str | int]:
    return [part for each in entries for part in _row(board, each)]


def _questions(player_ids: Iterable[str]) -> list[str | int]:
    """Rows whose rank is only asked for."""
    return [part for each in player_ids for part in ("", each, "", "")]


def _lines(board: Board, player_ids: Iterable[str], found: Sequence[Any]) -> list[RankLine]:
    """What the script says of these players."""
    columns = (found[start::4] for start in range(4))
    return [
        RankLine(player_id, old or None, new or None, _value(board, score), _gap(score, ahead))
        for player_id, old, new, score, ahead in zip(player_ids, *columns, strict=True)
    ]


def _value(board: Board, score: str) -> int | None:
    return sort_value(board.order, int(score)) if score else None


def _gap(score: str, ahead: str) -> int | None:
    return abs(int(score) - int(ahead)) if score and ahead else None
