"""`leaderboard export` and `sql` on a real log: every record once, whatever breaks an export off."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from analysis import blocks
from analysis.blocks import export
from analysis.bookmark import Reached, load
from analysis.columns import Row, record_of
from analysis.database import open_database
from analysis.formats import read
from analysis.orders import Order, Part, Written
from analysis.wishes import EVERYTHING, Format
from shared.appender import open_appender
from shared.events import Fact, PlayerBanned, PlayerProfileSet, ScoreRevoked, ScoreSubmitted
from shared.identity import event_id_of
from shared.log import open_reader
from shared.records import Record
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import TopicName
from tests.builders import fact_bytes
from tests.e2e.test_thread import name, submit
from tests.servers import Servers
from tests.stack import System, eventually

SAID = ("player_id", "game_mode", "score")


@pytest.fixture(scope="module")
def log(servers: Servers, logs: Path) -> System:
    """A log of a few hundred events, and nobody who projects it."""
    system = System(servers, logs)
    made = system.run("init")
    assert made.returncode == 0, made.stderr
    asyncio.run(append(system, [score(f"p{n % 30}", n, "classic" if n % 3 else "sprint") for n in range(1, 301)]))
    others = [("p1", PlayerBanned(player_id="p1", reason="cheating")), ("p2", revoke("p2", "p2-2"))]
    asyncio.run(append(system, [(key, fact_bytes(fact, "ruling")) for key, fact in others] + [("p3", b"no event")]))
    profile = fact_bytes(PlayerProfileSet(player_id="p4", username='Zoë, "the" 4th'), "profile")
    asyncio.run(append(system, [("p4", profile)], "players"))
    return system


def score(player: str, value: int, mode: str = "classic", **said: Any) -> tuple[str, bytes]:
    fact = ScoreSubmitted(
        player_id=player, game_mode=mode, score=value, metadata={"n": value, "text": 'a,"b"\n'}, **said
    )
    return player, fact_bytes(fact, f"{player}-{value}")


def revoke(player: str, key: str) -> Fact:
    return ScoreRevoked(player_id=player, event_id=event_id_of(player, key), reason="cheating")


def kafka_of(system: System) -> tuple[KafkaSettings, NamingSettings]:
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
    return kafka, NamingSettings(prefix=system.prefix)


async def append(system: System, records: Sequence[tuple[str, bytes]], topic: TopicName = "events") -> None:
    async with open_appender(*kafka_of(system), "test") as appender:
        await asyncio.gather(*(appender.append(topic, key.encode(), value, timeout=20) for key, value in records))


async def records(system: System, topic: TopicName = "events") -> dict[tuple[int, int], Record]:
    """The log as it is."""
    async with open_reader(*kafka_of(system), "test") as reader:
        end, found = await reader.end(topic), dict[tuple[int, int], Record]()
        reader.assign({(topic, partition): 0 for partition in end})
        while len(found) < sum(end.values()):
            for _, record in await reader.read(limit=1_000, wait_ms=1_000):
                found[record.partition, record.offset] = record
    return found


def exported(system: System, folder: Path, *options: str, code: int = 0) -> str:
    """What the command says."""
    done = system.run("export", str(folder), *options)
    assert done.returncode == code, done.stderr
    return done.stderr


def rows_of(folder: Path, topic: TopicName = "events", form: Format = "parquet") -> list[Any]:
    """All rows, in the order of files and of rows in them; times are datetimes."""
    files = sorted(folder.glob(f"{topic}/day=*/*.{form}"))
    return [Row(**row) for file in files for row in read(file, form).to_pylist()]


def content(folder: Path) -> dict[str, Any]:
    """What each file says."""
    return {str(file.relative_to(folder)): read(file, "parquet").to_pylist() for file in folder.glob("*/*/*.parquet")}


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


@pytest.mark.parametrize("form", ["parquet", "ndjson", "csv"])
async def test_an_export_is_the_log_record_for_record(log: System, tmp_path: Path, form: Format) -> None:
    exported(log, tmp_path, "--format", form)
    held, rows = await records(log), rows_of(tmp_path, "events", form)
    assert sorted((row.partition, row.offset) for row in rows) == sorted(held)
    clocks: dict[int, int] = {}
    for row in sorted(rows, key=lambda row: (row.partition, row.offset)):
        record = held[row.partition, row.offset]
        assert (*record_of(row._asdict()), ms(row.recorded_at)) == (record.key, record.value, record.timestamp)
        clocks[row.partition] = max(clocks.get(row.partition, 0), record.timestamp)
        assert ms(row.clock) == clocks[row.partition]
    assert [row.event_type for row in rows_of(tmp_path, "boards", form)][1:] == ["leaderboard.BoardDefined.v2"] * 2
    assert not (tmp_path / "players").exists()


async def test_profiles_are_there_where_they_are_asked_for(log: System, tmp_path: Path) -> None:
    for _ in range(2):
        exported(log, tmp_path, "--profiles", "--since", "last")
        kept = await records(log, "players")
        assert sorted((row.partition, row.offset) for row in rows_of(tmp_path, "players")) == sorted(kept)
    assert any('"Zoë, \\"the\\" 4th"' in (row.data or "") for row in rows_of(tmp_path, "players"))


def test_ranges_and_kinds(log: System, tmp_path: Path) -> None:
    exported(log, tmp_path / "all")
    rows = rows_of(tmp_path / "all")
    middle = sorted(row.clock for row in rows)[len(rows) // 2]
    text = middle.isoformat()
    every: list[tuple[tuple[str, ...], Callable[[Any], bool]]] = [
        ((), lambda row: True),
        (("--since", text), lambda row: row.clock >= middle),
        (("--until", text), lambda row: row.clock < middle),
        (("--offsets", "1:5-20", "--offsets", "2:7-"), lambda row: in_range(row)),
        (("--player", "p5", "--player", "p7"), lambda row: row.player_id in ("p5", "p7")),
        (("--type", "ScoreRevoked"), lambda row: "ScoreRevoked" in (row.event_type or "")),
        (("--board", "sprint"), lambda row: row.game_mode in (None, "sprint")),
    ]
    for number, (options, wanted) in enumerate(every):
        exported(log, tmp_path / f"{number}", *options)
        assert rows_of(tmp_path / f"{number}") == [row for row in rows if wanted(row)], options
        assert len(rows_of(tmp_path / f"{number}", "boards")) == 3


def in_range(row: Any) -> bool:
    return bool((row.partition == 1 and 5 <= row.offset < 20) or (row.partition == 2 and row.offset >= 7))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--type", "Nonsense"), "ScoreSubmitted"),
        (("--board", "nonsense"), "classic, sprint"),
        (("--since", "yesterday"), "2026-11-28"),
        (("--offsets", "9:0-1"), "0 to 3"),
        (("--offsets", "9"), "PARTITION:FROM-UNTIL"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    log: System, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    assert said in " ".join(exported(log, tmp_path, *options, code=1).split())


async def test_an_export_goes_on_from_the_last_and_never_begins_again_by_itself(log: System, tmp_path: Path) -> None:
    exported(log, tmp_path / "a")
    assert "--since last" in exported(log, tmp_path / "a", code=1)
    for number in range(3):
        await append(log, [score(f"later-{number}-{n}", n + 1) for n in range(20)])
        exported(log, tmp_path / "a", "--since", "last")
    assert "of something else" in " ".join(
        exported(log, tmp_path / "a", "--since", "last", "--profiles", code=1).split()
    )
    exported(log, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


class Broken(Exception):
    """As a crash."""


async def test_an_export_that_is_broken_off_anywhere_comes_out_the_same(
    log: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 16)
    monkeypatch.setattr(blocks, "AT_A_TIME", 7)
    ends = max(offset for partition, offset in await records(log) if partition == 0) + 1
    whole, begin = tmp_path / "whole", Reached(topic="events", partition=0, offset=0, clock=0, first=0)

    async def go(folder: Path, begin: Reached, end: int, told: Any) -> None:
        order = Order(folder=folder, form="parquet", sieve=EVERYTHING, parts=[Part(begin=begin, end=end)])
        await export(*kafka_of(log), order, told)

    await go(whole, begin, ends, lambda _: None)
    assert len(content(whole)) > 3
    for crash in range(1, len(content(whole)) + 1):
        folder, reached, told = tmp_path / f"{crash}", begin, list[Written]()

        def tell(written: Written, crash: int = crash, told: list[Written] = told) -> None:
            """The last block is in its file, and the bookmark does not know."""
            if len(told) + 1 == crash:
                raise Broken
            told.append(written)

        with pytest.raises(Broken):
            await go(folder, reached, ends - 5, tell)
        reached = told[-1].reached if told else begin
        await go(folder, reached, ends, lambda _: None)
        assert content(folder) == content(whole), crash


def test_a_killed_export_goes_on(log: System, tmp_path: Path) -> None:
    log.start("export", str(tmp_path / "a"), "--processes", "1")
    eventually(lambda: any((tmp_path / "a").glob("events/*/*.parquet")), 60, "a first file")
    log.kill("export")
    held = load(tmp_path / "a")
    exported(log, tmp_path / "a", *(["--since", "last"] if held is not None and held.finished else []))
    exported(log, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


async def test_an_export_follows_the_log_until_it_is_told_to_stop(log: System, tmp_path: Path) -> None:
    log.start("export", str(tmp_path), "--follow", "--every", "0.2")
    process = log.processes.pop("export")
    try:
        eventually(lambda: (held := load(tmp_path)) is not None and held.finished, 60, "an export")
        await append(log, [score(f"followed-{n}", n + 1) for n in range(30)])
        wanted = sorted(await records(log))
        eventually(
            lambda: sorted((row.partition, row.offset) for row in rows_of(tmp_path)) == wanted, 30, "what came later"
        )
        assert "another export" in exported(log, tmp_path, "--since", "last", code=1)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, log.log_of("export")


async def test_the_views_are_the_tables(system: System, tmp_path: Path) -> None:
    ann, bob = name(), name()
    for player, value, mode in ((ann, 5, "classic"), (ann, 7, "classic"), (bob, 9, "sprint"), (bob, 4, "sprint")):
        assert (await submit(system, player, value, mode))[0] == 200
    exported(system, tmp_path)
    same = """
        (select board_id, season, player_id, value, games_played, epoch_ms(reached_at) from entries
        except all select board_id, season, player_id, value, games_played, reached_at from tables.leaderboard_entries)
        union all
        (select board_id, season, player_id, value, games_played, reached_at from tables.leaderboard_entries
        except all select board_id, season, player_id, value, games_played, epoch_ms(reached_at) from entries)
    """
    done = system.run("sql", str(tmp_path), f"select count(*) as n from ({same})", "--csv")
    assert (done.returncode, done.stdout) == (0, "n\n0\n"), done.stderr
    unknown = system.run("sql", str(tmp_path), "from tables.nonsense")
    assert unknown.returncode == 1
    assert "leaderboard_entries" in unknown.stderr
    counted = open_database(tmp_path).execute("select count(*) from events").fetchall()
    assert counted == [(len(await records(system)),)]
