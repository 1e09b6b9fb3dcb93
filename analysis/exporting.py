"""`leaderboard export`: the log into files of a folder, whole or in part, once or again and again."""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from analysis.bookmark import Bookmark, NotExported, Reached, load, locked
from analysis.orders import NAME, Order, Part, Written
from analysis.wishes import Sieve, Wishes, sieve
from leaderboard.crew import deal, together, work
from shared.appender import partition_of
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.incarnation import read_incarnation
from shared.log import Reader, open_reader
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import Place, TopicName

LATEST = 2**47
"""Later than any clock."""

Progress = Callable[[int, int], None]
"""Told how many records are read, of how many."""
Say = Callable[[str], None]


class Manner(BaseModel):
    """How it is done; nothing in the files follows from it."""

    since_last: bool = False
    """Go on where the last export into the folder ended."""
    processes: int = 2
    follow: bool = False
    every: float = 30.0
    """Seconds between two looks while following."""


async def run(
    kafka: KafkaSettings,
    naming: NamingSettings,
    folder: Path,
    wishes: Wishes,
    manner: Manner,
    progress: Progress,
    say: Say,
) -> None:
    """Export, and with `follow` for ever.

    Raises NotExported, InvalidWish, LogUnavailable, LogNotCreated, WorkerFailed.
    """
    incarnation = await read_incarnation(kafka, naming, NAME, "events")
    with locked(folder) as lock:
        bookmark = _open(folder, incarnation, wishes, manner.since_last)
        exporting = _Exporting(kafka, naming, folder, bookmark, lock)
        say(await exporting.go_on(manner.processes, progress))
        while manner.follow:
            await asyncio.sleep(manner.every)
            said = await exporting.follow()
            if said is not None:
                say(said)


def _open(folder: Path, incarnation: str, wishes: Wishes, since_last: bool) -> Bookmark:
    """The bookmark to go on from: a new one, or that of the export in the folder. Raises NotExported."""
    held = load(folder)
    if held is None:
        return Bookmark(incarnation=incarnation, wishes=wishes)
    if held.incarnation != incarnation:
        raise NotExported(f"{folder} holds the log {held.incarnation}, and this is {incarnation}: take another folder")
    if held.wishes != wishes and not (since_last and wishes == Wishes()):
        raise NotExported(f"{folder} holds an export of something else: give the same options, or take another folder")
    if held.finished and not since_last:
        raise NotExported(
            f"{folder} holds an export already: `--since last` goes on from it, another folder begins anew"
        )
    return held


class _Exporting:
    """An export under way."""

    def __init__(
        self, kafka: KafkaSettings, naming: NamingSettings, folder: Path, bookmark: Bookmark, lock: int
    ) -> None:
        self._kafka = kafka
        self._naming = naming
        self._folder = folder
        self._bookmark = bookmark
        self._lock = lock

    async def go_on(self, processes: int, progress: Progress) -> str:
        """Up to the present end, by several processes; what was done, for people."""
        self._bookmark.finished = False
        if self._bookmark.wishes.profiles:
            self._forget_profiles()
        parts, sifted = await self._parts()
        for left in self._folder.glob("*/*/.*.tmp"):
            left.unlink()
        total, done, before = sum(part.end - part.begin.offset for part in parts), 0, self._bookmark.rows
        progress(0, total)

        def heard(line: bytes) -> None:
            nonlocal done
            written = Written.model_validate_json(line)
            self._note(written)
            done += written.records
            progress(min(done, total), total)

        hands = deal(parts, processes, lambda part: part.end - part.begin.offset)
        orders = [self._order(hand, sifted).model_dump_json() for hand in hands]
        await together(work("analysis.blocks", order, heard, [self._lock]) for order in orders)
        self._finish()
        return f"{self._bookmark.rows - before:,} rows of {done:,} records written to {self._folder}"

    async def follow(self) -> str | None:
        """The same with what has come since, in this process; None when nothing has."""
        from analysis.blocks import export

        before = self._bookmark.rows
        parts, sifted = await self._parts()
        if not parts:
            return None
        await export(self._kafka, self._naming, self._order(parts, sifted), self._note)
        self._finish()
        return f"{self._bookmark.rows - before:,} more rows"

    def _order(self, parts: Sequence[Part], sifted: Sieve) -> Order:
        return Order(folder=self._folder, form=self._bookmark.wishes.form, sieve=sifted, parts=list(parts))

    def _note(self, written: Written) -> None:
        self._bookmark.move(written.reached, written.rows)
        self._bookmark.save(self._folder)

    def _finish(self) -> None:
        self._bookmark.finished = True
        self._bookmark.save(self._folder)

    def _forget_profiles(self) -> None:
        """Profiles are exported anew each time: a name that was erased is then in no file any more."""
        self._bookmark.reached = [each for each in self._bookmark.reached if each.topic != "players"]
        self._bookmark.save(self._folder)
        shutil.rmtree(self._folder / "players", ignore_errors=True)

    async def _parts(self) -> tuple[list[Part], Sieve]:
        """What is left to do, and which rows are taken. The catalogue last: then no event names more than it has."""
        wishes, reached = self._bookmark.wishes, {each.place: each for each in self._bookmark.reached}
        async with open_reader(self._kafka, self._naming, NAME) as reader:
            spans = await _spans(reader, wishes)
        catalogue = await CatalogueLog(self._kafka, self._naming, NAME).read(Catalogue())
        spans["boards", 0] = Span(begin=0, end=catalogue.newest + 1)
        begun = {place: reached.get(place) or _beginning(place, span) for place, span in spans.items()}
        parts = [Part(begin=begun[place], end=span.end) for place, span in spans.items()]
        return [part for part in parts if part.begin.offset < part.end], sieve(wishes, catalogue)


class Span(BaseModel):
    """Offsets of a partition, and the fold's clock before the first."""

    begin: int
    end: int
    clock: int = 0


def _beginning(place: Place, span: Span) -> Reached:
    return Reached(topic=place[0], partition=place[1], offset=span.begin, clock=span.clock, first=span.begin)


async def _spans(reader: Reader, wishes: Wishes) -> dict[Place, Span]:
    """What of each partition is asked for."""
    ends = await reader.end("events")
    begins, until = await _begins(reader, wishes, ends), await _until(reader, wishes, ends)
    clocks = await _clocks(reader, begins) if wishes.offsets is not None else dict.fromkeys(begins, 0)
    spans = {place_of("events", at): Span(begin=begins[at], end=until[at], clock=clocks[at]) for at in begins}
    if wishes.profiles:
        spans |= {place_of("players", at): Span(begin=0, end=end) for at, end in (await reader.end("players")).items()}
    if wishes.players:
        theirs = {partition_of(player.encode(), len(ends)) for player in wishes.players}
        spans = {place: span for place, span in spans.items() if place[1] in theirs}
    return spans


def place_of(topic: TopicName, partition: int) -> Place:
    """A topic and a partition of it."""
    return topic, partition


async def _begins(reader: Reader, wishes: Wishes, ends: Mapping[int, int]) -> dict[int, int]:
    """The first offset of each partition that is in the range.

    The fold's clock is the running maximum of timestamps: the first record that is as late is the first whose clock is.
    """
    begins = dict.fromkeys(ends, 0)
    if wishes.offsets is not None:
        unknown = wishes.offsets.keys() - ends.keys()
        if unknown:
            raise NotExported(f"--offsets: there are partitions 0 to {len(ends) - 1}, and no {min(unknown)}")
        begins = {at: min(begin, ends[at]) for at, (begin, _) in wishes.offsets.items()}
    if wishes.since is not None:
        first = await reader.first_since("events", wishes.since)
        begins = {at: max(begin, _or(first[at], ends[at])) for at, begin in begins.items()}
    return begins


async def _until(reader: Reader, wishes: Wishes, ends: Mapping[int, int]) -> dict[int, int]:
    """The offset after the last of each partition that is in the range."""
    limits = {at: _or(end, ends[at]) for at, (_, end) in (wishes.offsets or {}).items()}
    found = {at: min(end, limits.get(at, end)) for at, end in ends.items()}
    if wishes.until is not None:
        first = await reader.first_since("events", wishes.until)
        found = {at: min(end, _or(first[at], end)) for at, end in found.items()}
    return found


def _or(offset: int | None, otherwise: int) -> int:
    return otherwise if offset is None else offset


async def _clocks(reader: Reader, begins: Mapping[int, int]) -> dict[int, int]:
    """The fold's clock before an offset of each partition: the latest time of the records before it, by bisection.

    Kafka tells the first offset since a time; to read everything before would take as long as to export it.
    """
    low, high = dict.fromkeys(begins, 0), dict.fromkeys(begins, LATEST)
    while any(low[at] + 1 < high[at] for at in begins):
        for at, begin in begins.items():
            middle = (low[at] + high[at]) // 2
            first = (await reader.first_since("events", middle))[at] if begin else None
            (low if first is not None and first < begin else high)[at] = middle
    return low
