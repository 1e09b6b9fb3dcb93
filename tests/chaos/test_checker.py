"""The checker finds each kind of broken promise: a checker that cannot fail proves nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from query_api.schemas import instant
from shared.boards import DEFAULT_BOARDS, Board
from shared.events import PlayerBanned, ScoreRevoked, ScoreSubmitted, SeasonClosed, SeasonClosedEvent, SeasonEnded, wrap
from shared.identity import event_id_of
from shared.positions import Position
from shared.records import Record
from shared.topics import SEASON_KEY
from tests.builders import NOW, catalogue_of, fact_bytes, log_created_bytes, score_bytes
from tests.chaos.answers import Answer, Told
from tests.chaos.checker import Counts, Evidence, Ownership, Tables, check
from tests.chaos.history import BoardAt, fold_history
from tests.chaos.journal import Journal, read_journal
from tests.chaos.ledger import PROBLEM, Ruled, Try, longest_gap

LOG = "0123456789abcdef"
DIGEST = "a" * 64
D2, R1 = event_id_of("dan", "d2"), event_id_of("dan", "r1")
CUP = Board(board_id="cup", title="Cup", game_modes=("cup",), operator="best", order="desc", ends_at=NOW + 5)
CATALOGUE = catalogue_of(*DEFAULT_BOARDS, CUP)


def partition(number: int, *values: tuple[str, bytes]) -> list[Record]:
    records = [Record(number, 0, NOW, b"$log", log_created_bytes())]
    return records + [Record(number, n, NOW + n, player.encode(), value) for n, (player, value) in enumerate(values, 1)]


def score(player: str, value: int, key: str, mode: str = "classic") -> tuple[str, bytes]:
    return player, score_bytes(player, value, key, mode)


def cup(player: str, value: int, key: str) -> tuple[str, bytes]:
    fact = ScoreSubmitted(player_id=player, game_mode="cup", score=value)
    return player, fact_bytes(fact, key, catalogue=CATALOGUE.newest)


def the_cup() -> list[Record]:
    """Dan 7 and 9, which is revoked, twice with one key; then the end, Eve too late, and Dan banned before his 8."""
    revoked = ScoreRevoked(player_id="dan", event_id=D2, reason="cheating")
    banned = PlayerBanned(player_id="dan", reason="cheating")
    ended = fact_bytes(SeasonEnded(board_id="cup", season="all"), "end", catalogue=CATALOGUE.newest, subject="cup")
    return partition(
        2,
        cup("dan", 7, "d1"),
        cup("dan", 9, "d2"),
        ("dan", fact_bytes(revoked, "r1")),
        ("dan", fact_bytes(revoked, "r1")),
        (SEASON_KEY.decode(), ended),
        cup("eve", 5, "e1"),
        ("dan", fact_bytes(banned, "r2")),
        cup("dan", 8, "d3"),
    )


def the_log() -> list[Record]:
    """Ann 10 and 15, once each: a retry and a conflict come after; Bob 20; Cat runs 500, then 400; and a cup."""
    classic = [
        score("ann", 10, "a1"),
        score("bob", 20, "b1"),
        score("ann", 15, "a2"),
        score("ann", 10, "a1"),
        score("ann", 11, "a1"),
        score("bob", 1, "b2"),
    ]
    return [
        *partition(0, *classic),
        *partition(1, score("cat", 500, "c1", "sprint"), score("cat", 400, "c2", "sprint")),
        *the_cup(),
    ]


def at(**offsets: int) -> str:
    return str(Position(LOG, {int(name[1:]): offset for name, offset in offsets.items()}))


def sent(player: str, key: str, value: int, mode: str = "classic", **told: Any) -> Try:
    made = Try(player, key, mode, value, 1.0, 2.0, "unknown")
    return replace(made, event_id=made.submission[1], **told)


def acknowledged(player: str, key: str, value: int, position: str, total: int, **more: Any) -> Try:
    return sent(
        player, key, value, verdict="acknowledged", status=200, position=position, new_total=total, new_rank=1, **more
    )


def the_ledger() -> list[Try]:
    return [
        acknowledged("ann", "a1", 10, at(p0=2), 10),
        acknowledged("bob", "b1", 20, at(p0=3), 20),
        sent("ann", "a2", 15),
        acknowledged("ann", "a2", 15, at(p0=4), 25),
        acknowledged("ann", "a1", 10, at(p0=2), 25, replayed=True),
        sent("ann", "a1", 11, verdict="refused", status=409, error=f"{PROBLEM}idempotency-conflict"),
        sent("bob", "b2", 1, verdict="acknowledged", status=202, position=at(p0=7)),
        acknowledged("cat", "c1", 500, at(p1=2), 400, mode="sprint"),
        acknowledged("cat", "c2", 400, at(p1=3), 400, mode="sprint"),
        sent("ann", "never", 5, verdict="refused", status=429),
        acknowledged("dan", "d1", 7, at(p2=2), 7, mode="cup"),
        acknowledged("dan", "d2", 9, at(p2=3), 9, mode="cup"),
        sent("eve", "e1", 5, "cup", verdict="refused", status=409, error=f"{PROBLEM}season-ended"),
        sent("dan", "d3", 8, "cup", verdict="refused", status=403, error=f"{PROBLEM}banned"),
    ]


def the_rulings() -> list[Ruled]:
    revoked = Ruled("dan", "r1", "revoke", D2, 1.0, 2.0, "acknowledged", 200, position=at(p2=4))
    banned = replace(revoked, key="r2", word="ban", target=None, position=at(p2=8))
    return [revoked, revoked, replace(revoked, verdict="unknown", status=None, position=None), banned]


def closed(digest: str = DIGEST, key: str = "closed") -> SeasonClosedEvent:
    fact = SeasonClosed(board_id="cup", season="all", kind="closed", players=1, digest=digest, cut=at(p2=5))
    event = wrap(fact, event_id=event_id_of("cup", key), subject="cup", source="test", actor="test")
    assert isinstance(event, SeasonClosedEvent)
    return event


def the_answers() -> list[Answer]:
    ann, bob = (1, "ann", 25, 2, instant(NOW + 3)), (2, "bob", 20, 1, instant(NOW + 2))
    cat = (1, "cat", 400, 2, instant(NOW + 2))
    top = Answer(1, "top", "classic", 1.0, "u", 200, limit=20, minimum=at(p0=1))
    rank = Answer(1, "rank", "classic", 2.0, "u", 200, player="bob", minimum=at(p0=4))
    return [
        replace(top, position=at(p0=2), total=1, rows=[(1, "ann", 10, 1, instant(NOW + 1))]),
        replace(top, position=at(p0=4), total=2, rows=[ann, bob], minimum=at(p0=2)),
        replace(rank, position=at(p0=4, p1=3), total=2, rows=[bob]),
        replace(rank, reader=2, minimum=None, player="zoe", status=404, position=at(p0=7)),
        replace(rank, reader=2, minimum=None, player="cat", mode="sprint", position=at(p1=3), total=1, rows=[cat]),
        replace(rank, status=409, position=at(p0=1)),
        replace(rank, status=None, position=None),
    ]


def the_told() -> list[Told]:
    event = Told(1, "ann", "classic", 1.0, "event", user_id="ann")
    return [
        Told(1, "ann", "classic", 1.0, "opened"),
        replace(event, new_rank=1),
        replace(event, user_id="bob", new_rank=1),
        replace(event, new_rank=2, old_rank=1),
        replace(event, user_id="bob", new_rank=2, old_rank=1),
        replace(event, new_rank=1, old_rank=2),
        Told(2, "bob", "classic", 1.0, "opened"),
        Told(2, "bob", "classic", 1.0, "closed"),
        Told(3, "zoe", "sprint", 1.0, "opened"),
    ]


def the_tables() -> Tables:
    history = fold_history(the_log(), CATALOGUE)
    return Tables(
        checkpoints={0: Counts(7, 4, 1, 1, 0), 1: Counts(3, 2, 0, 0, 0), 2: Counts(9, 5, 1, 0, 2)},
        entries={("classic", "ann"): (25, 2), ("classic", "bob"): (21, 2), ("sprint", "cat"): (400, 2)},
        sessions={submission: session.outcome for submission, session in history.state.sessions.items()},
        rulings={key: (ruling.kind, ruling.target) for key, ruling in history.state.rulings.items()},
        results={("cup", "all"): DIGEST},
    )


def sound() -> Evidence:
    return Evidence(
        CATALOGUE,
        the_log(),
        the_ledger(),
        the_answers(),
        the_told(),
        the_rulings(),
        [closed(), closed()],
        the_tables(),
    )


def test_a_run_that_kept_every_promise_has_no_violation() -> None:
    findings = check(sound())
    assert findings.violations == []
    assert (findings.acknowledged, findings.answers, findings.events) == (8, 5, 5)
    assert (findings.rulings, findings.seasons) == (2, 1)


def ledger(index: int, **change: Any) -> Callable[[Evidence], Evidence]:
    def spoil(evidence: Evidence) -> Evidence:
        lines = list(evidence.ledger)
        lines[index] = replace(lines[index], **change)
        return replace(evidence, ledger=lines)

    return spoil


def answers(index: int, **change: Any) -> Callable[[Evidence], Evidence]:
    def spoil(evidence: Evidence) -> Evidence:
        lines = list(evidence.answers)
        lines[index] = replace(lines[index], **change)
        return replace(evidence, answers=lines)

    return spoil


def told(index: int, **change: Any) -> Callable[[Evidence], Evidence]:
    def spoil(evidence: Evidence) -> Evidence:
        lines = list(evidence.told)
        lines[index] = replace(lines[index], **change)
        return replace(evidence, told=lines)

    return spoil


def rulings(index: int, **change: Any) -> Callable[[Evidence], Evidence]:
    def spoil(evidence: Evidence) -> Evidence:
        lines = list(evidence.rulings)
        lines[index] = replace(lines[index], **change)
        return replace(evidence, rulings=lines)

    return spoil


def results(*records: SeasonClosedEvent) -> Callable[[Evidence], Evidence]:
    return lambda evidence: replace(evidence, results=list(records))


def tables(**change: Any) -> Callable[[Evidence], Evidence]:
    def spoil(evidence: Evidence) -> Evidence:
        before = the_tables()
        return replace(
            evidence, tables=replace(before, **{name: getattr(before, name) | change[name] for name in change})
        )

    return spoil


def log(*places: tuple[int, int], value: bytes | None = None) -> Callable[[Evidence], Evidence]:
    """Without these records, or with another value in them."""

    def spoil(evidence: Evidence) -> Evidence:
        kept = [
            record._replace(value=value) if (record.partition, record.offset) in places else record
            for record in evidence.log
            if value is not None or (record.partition, record.offset) not in places
        ]
        return replace(evidence, log=kept)

    return spoil


ANN = (1, "ann", 25, 2, instant(NOW + 3))
BOB = (2, "bob", 20, 1, instant(NOW + 2))
A1 = sent("ann", "a1", 10).submission
BROKEN: dict[str, tuple[Callable[[Evidence], Evidence], str, str]] = {
    "acknowledged record gone": (log((1, 2)), "I1", "lost: no record"),
    "acknowledged content changed": (log((0, 2), value=score_bytes("bob", 21, "b1")), "I1", "is another"),
    "acknowledged record of another key": (log((0, 2), value=score_bytes("bob", 20, "bx")), "I1", "is another"),
    "acknowledged record garbage": (log((0, 6), value=b"garbage"), "I1", "is another"),
    "acknowledged elsewhere": (ledger(1, position=at(p0=4)), "I1", "is another"),
    "acknowledged beyond the end": (ledger(1, position=at(p0=99)), "I1", "lost: no record"),
    "acknowledged without a place": (ledger(1, position=at(p0=3, p1=1)), "I1", "lost: no record"),
    "another event id": (ledger(1, event_id="x"), "I1", "is another"),
    "a replay names its own record": (ledger(4, position=at(p0=5)), "I1", "does not name the first record"),
    "a record nobody sent": (log((0, 3), value=score_bytes("ann", 16, "a3")), "I1", "no client sent"),
    "a conflict answered as applied": (
        ledger(5, verdict="acknowledged", status=200, position=at(p0=6), new_rank=1, new_total=25),
        "I1",
        "does not name the first record",
    ),
    "refused with its own content": (ledger(5, score=10), "I2", "what is not so"),
    "refused and in the log": (ledger(6, verdict="refused", status=422, position=None), "I2", "yet in the log"),
    "ruling gone": (log((2, 7)), "I1", "lost: no such ruling"),
    "ruling on another submission": (rulings(0, target="x"), "I1", "lost: no such ruling"),
    "ruling of another kind": (rulings(3, word="reinstate"), "I1", "lost: no such ruling"),
    "a repeated ruling names its own record": (rulings(1, position=at(p2=5)), "I1", "does not name the first record"),
    "ruling not in the tables": (tables(rulings={("dan", R1): ("restored", D2)}), "I2", "lost: ruling"),
    "a ruling nobody sent": (lambda evidence: replace(evidence, rulings=[]), "I1", "a ruling that nobody sent"),
    "refused as banned by nobody": (log((2, 7)), "I2", "what is not so"),
    "refused as revoked by nobody": (ledger(5, error=f"{PROBLEM}revoked"), "I2", "what is not so"),
    "refused as erased by nobody": (ledger(13, status=410, error=f"{PROBLEM}erased"), "I2", "what is not so"),
    "refused as late before the end": (ledger(11, status=409, error=f"{PROBLEM}season-ended"), "I2", "what is not so"),
    "refused as late where nothing ends": (ledger(5, error=f"{PROBLEM}season-ended"), "I2", "what is not so"),
    "a revoked score counts": (tables(entries={("cup", "dan"): (9, 2)}), "I3", "doubled"),
    "over and not closed": (
        lambda evidence: replace(evidence, tables=replace(the_tables(), results={})),
        "season",
        "over and not closed",
    ),
    "closed before its end": (tables(results={("classic", "all"): DIGEST}), "season", "before it was over"),
    "never told": (results(), "season", "not told as the one"),
    "told with another digest": (results(closed("b" * 64)), "season", "not told as the one"),
    "told as two results": (results(closed(), closed(key="other")), "season", "not told as the one"),
    "session gone": (
        lambda evidence: replace(
            evidence, tables=replace(the_tables(), sessions={k: v for k, v in the_tables().sessions.items() if k != A1})
        ),
        "I2",
        "lost: session",
    ),
    "session refused": (tables(sessions={A1: "refused"}), "I2", "outcome differs"),
    "counted twice": (tables(entries={("classic", "ann"): (35, 3)}), "I3", "doubled"),
    "not counted": (tables(entries={("classic", "ann"): (15, 1)}), "I3", "lost"),
    "another sum": (tables(entries={("classic", "ann"): (24, 2)}), "I3", "another sum"),
    "a player nobody sent for": (tables(entries={("classic", "eve"): (1, 1)}), "I3", "doubled"),
    "submit total from before": (ledger(3, new_total=10), "I3", "wrong total"),
    "submit total of nobody": (ledger(3, new_total=26), "I3", "wrong total"),
    "submit rank missing": (ledger(3, new_rank=None), "I3", "wrong rank"),
    "top: score": (answers(1, rows=[ANN, (2, "bob", 21, 1, BOB[4])]), "I3", "wrong top"),
    "top: order": (answers(1, rows=[(1, *BOB[1:]), (2, *ANN[1:])]), "I3", "wrong top"),
    "top: row missing": (answers(1, rows=[ANN]), "I3", "wrong top"),
    "top: total": (answers(1, total=3), "I3", "wrong top"),
    "top: of a newer position": (answers(1, position=at(p0=7)), "I3", "wrong top"),
    "top: of an older position": (answers(1, position=at(p0=3)), "I3", "wrong top"),
    "rank: rank": (answers(2, rows=[(1, *BOB[1:])]), "I3", "wrong rank"),
    "rank: games": (answers(2, rows=[(2, "bob", 20, 2, BOB[4])]), "I3", "wrong rank"),
    "rank: updated_at": (answers(2, rows=[(*BOB[:4], instant(NOW))]), "I3", "wrong rank"),
    "rank: of another player": (answers(2, player="ann"), "I3", "wrong rank"),
    "rank: 404 for one who is ranked": (answers(3, player="bob"), "I3", "wrong rank"),
    "rank: found who is not ranked": (answers(2, player="zoe"), "I3", "wrong rank"),
    "position beyond the log": (answers(2, position=at(p0=8)), "I3", "beyond the end"),
    "older than asked for": (answers(1, minimum=at(p0=5)), "I6", "without what was asked"),
    "older in one partition": (answers(1, minimum=at(p0=4, p1=1)), "I6", "without what was asked"),
    "a session went back": (
        answers(2, minimum=at(p0=1), position=at(p0=3), total=2, rows=[(1, "bob", 20, 1, BOB[4])]),
        "I7",
        "went back",
    ),
    "checkpoint behind": (tables(checkpoints={0: Counts(6, 4, 1, 0, 0)}), "I9", "not at the end"),
    "checkpoint sums": (tables(checkpoints={0: Counts(7, 3, 1, 1, 0)}), "I9", "do not add up"),
    "checkpoint kinds": (tables(checkpoints={0: Counts(7, 3, 2, 1, 0)}), "I9", "not those of the fold"),
    "checkpoint of no partition": (tables(checkpoints={3: Counts(1, 0, 0, 0, 0)}), "I9", "not at the end"),
    "an epoch left out": (
        tables(ownership={Ownership("events", 0, 1, "a", 0), Ownership("events", 0, 3, "b", 4)}),
        "I8",
        "do not go up by one",
    ),
    "an owner who went back": (
        tables(ownership={Ownership("events", 0, 1, "a", 4), Ownership("events", 0, 2, "b", 3)}),
        "I8",
        "began before",
    ),
    "a hole in a chain": (told(3, old_rank=3), "I11", "a hole"),
    "a chain that does not begin": (told(1, old_rank=1), "I11", "a hole"),
    "last rank never told": (told(5, new_rank=2, old_rank=2), "I11", "not the rank"),
    "nothing ever told": (
        lambda evidence: replace(evidence, told=[Told(4, "bob", "classic", 1.0, "opened")]),
        "I11",
        "not the rank",
    ),
    "an answer of 500": (answers(6, status=500), "status", "read answered 500"),
    "a ruling of 401": (rulings(0, status=401), "status", "ruling answered 401"),
    "a submit of 502": (ledger(2, status=502), "status", "submit answered 502"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_promise_is_found(name: str) -> None:
    spoil, invariant, what = BROKEN[name]
    violations = check(spoil(sound())).violations
    assert [each for each in violations if each.invariant == invariant and what in each.what], violations


def test_a_board_moves_to_any_position_and_back() -> None:
    history = fold_history(the_log(), CATALOGUE)
    board = BoardAt(history, history.board("classic"))
    seen = {}
    for end in (0, 1, 2, 3, 4, 7, 99):
        board.seek({0: end})
        seen[end] = [(rank, row.player_id, row.value) for rank, row in board.top(10)]
    assert seen[2] == [(1, "ann", 10)]
    assert seen[3] == [(1, "bob", 20), (2, "ann", 10)]
    assert seen[7] == seen[99] == [(1, "ann", 25), (2, "bob", 21)]
    for end in (99, 3, 0, 7, 2, 4, 1):
        board.seek({0: end})
        assert [(rank, row.player_id, row.value) for rank, row in board.top(10)] == seen[end]
        assert board.total == len(seen[end])


def test_a_journal_keeps_what_was_written_and_drops_a_torn_line(tmp_path: Path) -> None:
    with Journal[Try](tmp_path / "ledger.jsonl") as journal:
        for each in the_ledger():
            journal.write(each)
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(b'{"player":"to')
    assert read_journal(tmp_path / "ledger.jsonl", Try) == the_ledger()


def test_the_longest_gap_counts_from_the_beginning_and_to_the_end() -> None:
    tries = [replace(the_ledger()[0], answered=at) for at in (11.0, 12.0, 15.0)]
    assert longest_gap(tries, 10.0, 16.0) == 3.0
    assert longest_gap(tries, 5.0, 16.0) == 6.0
    assert longest_gap([], 0.0, 9.0) == 9.0
