"""What clients were told, against the whole log: every promise that was broken. Pure.

The oracle is `shared.fold`; how often a submission counted is derived a second time, from the ledger alone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Literal, NamedTuple, TypeAlias

from query_api.schemas import instant
from shared.catalogue import Catalogue
from shared.events import (
    Event,
    PlayerBannedEvent,
    PlayerErasedEvent,
    ScoreRevokedEvent,
    ScoreSubmittedEvent,
    SeasonClosedEvent,
)
from shared.fold.rulings import KIND
from shared.positions import InvalidPosition, Position, parse_position
from shared.ranking import Standing
from shared.records import Received, Record
from shared.seasons import ALL_TIME
from tests.chaos.answers import Answer, Row, Told
from tests.chaos.counting import counted
from tests.chaos.history import BoardAt, History, Place, fold_history
from tests.chaos.ledger import Ruled, RulingWord, Try

Invariant: TypeAlias = Literal["I1", "I2", "I3", "I6", "I7", "I8", "I9", "I11", "season", "status"]
EXPECTED = {200, 202, 403, 404, 409, 410, 429, 503, None}
"""Statuses that a fault or a ruling may cause; 404 says that a player is not ranked, or not known to a ruling."""
KINDS: dict[RulingWord, str] = {
    "revoke": "revoked",
    "restore": "restored",
    "ban": "banned",
    "reinstate": "reinstated",
    "erase": "erased",
}


class Violation(NamedTuple):
    """A promise that was broken, with the evidence."""

    invariant: Invariant
    what: str
    evidence: object

    def __str__(self) -> str:
        return f"{self.invariant} {self.what}: {self.evidence}"


class Counts(NamedTuple):
    """A row of the checkpoints table."""

    next_offset: int
    applied: int
    duplicate: int
    conflict: int
    refused: int
    voided: int = 0


class Ownership(NamedTuple):
    """A row of the ownership log."""

    topic: str
    partition: int
    epoch: int
    owner: str
    from_offset: int


@dataclass(frozen=True, slots=True)
class Tables:
    """What Postgres held at the end."""

    checkpoints: dict[int, Counts] = field(default_factory=dict)
    entries: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """Board and player → value and games played."""
    sessions: dict[tuple[str, str], str] = field(default_factory=dict)
    """Submission → its outcome."""
    ownership: frozenset[Ownership] = frozenset()
    rulings: dict[tuple[str, str], tuple[str, str | None]] = field(default_factory=dict)
    """Ruling → its kind, and the submission that it is about."""
    results: dict[tuple[str, str], str] = field(default_factory=dict)
    """Board and season → the digest of its closed result."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a run."""

    catalogue: Catalogue
    log: list[Record]
    ledger: list[Try] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    rulings: list[Ruled] = field(default_factory=list)
    results: list[SeasonClosedEvent] = field(default_factory=list)
    """What the topic for prizes holds."""
    tables: Tables | None = None
    """None where nothing was read: then tables are not checked."""


@dataclass(slots=True)
class Findings:
    """What the checker found."""

    violations: list[Violation]
    acknowledged: int
    answers: int
    """Answers that were compared with the fold."""
    events: int
    """Socket events in their chains."""
    rulings: int
    """Rulings that were acknowledged."""
    seasons: int
    """Seasons that were over and closed."""

    @property
    def lost(self) -> int:
        """Acknowledged submissions that the log or the tables do not have."""
        return sum(each.what.startswith("lost") for each in self.violations)

    @property
    def doubled(self) -> int:
        return sum(each.what.startswith("doubled") for each in self.violations)

    @property
    def wrong(self) -> int:
        """Answers that are not the fold at their position."""
        return sum(each.what.startswith("wrong") for each in self.violations)


def check(evidence: Evidence) -> Findings:
    """Hold everything against the log."""
    history = fold_history(evidence.log, evidence.catalogue)
    violations = [
        *check_acknowledged(history, evidence.ledger),
        *check_rulings(history, evidence.rulings, evidence.tables),
        *check_refusals(history, evidence.ledger),
        *check_effects(history, evidence.ledger, evidence.tables),
        *check_totals(history, evidence.ledger, evidence.tables),
        *check_submit_answers(history, evidence.ledger),
        *check_answers(history, evidence.answers),
        *check_positions(evidence.answers),
        *check_checkpoints(history, evidence.tables),
        *check_ownership(evidence.tables),
        *check_chains(evidence.told),
        *check_last_told(history, evidence.told),
        *check_results(history, evidence.results, evidence.tables),
        *check_statuses(evidence.ledger, evidence.rulings, evidence.answers),
    ]
    return Findings(
        violations,
        acknowledged=len({each.submission for each in evidence.ledger if each.verdict == "acknowledged"}),
        answers=sum(each.position is not None and each.status in (200, 404) for each in evidence.answers),
        events=sum(each.what == "event" for each in evidence.told),
        rulings=len({each.ruling for each in evidence.rulings if each.verdict == "acknowledged"}),
        seasons=len(evidence.tables.results) if evidence.tables is not None else 0,
    )


# --- I1: what was acknowledged is in the log -------------------------------------------------------


def check_acknowledged(history: History, ledger: Iterable[Try]) -> Iterator[Violation]:
    """Each acknowledgement names a record that is there, with its id and its content."""
    for each in ledger:
        if each.verdict != "acknowledged":
            continue
        place = place_of(each.position)
        received = history.records.get(place) if place is not None else None
        if place is None or received is None:
            yield Violation("I1", "lost: no record at the acknowledged position", each)
        elif not _is_record_of(received, each):
            yield Violation("I1", "the record at the acknowledged position is another", (each, received.record))
        elif each.status == 200 and history.first[each.submission] != place:
            yield Violation("I1", "an applied answer does not name the first record", (each, place))


def place_of(position: str | None) -> Place | None:
    """The one record that a submission's position names; None for any other token."""
    try:
        named = list(parse_position(position or "").offsets.items())
    except InvalidPosition:
        return None
    return (named[0][0], named[0][1] - 1) if len(named) == 1 else None


def _is_record_of(received: Received, each: Try) -> bool:
    event = received.event
    if not isinstance(event, ScoreSubmittedEvent):
        return False
    fact = event.data
    content = (event.id, fact.player_id, fact.game_mode, fact.score)
    return content == (each.submission[1], each.player, each.mode, each.score) and event.id == each.event_id


# --- I2: one effect ------------------------------------------------------------------------------


def check_effects(history: History, ledger: list[Try], tables: Tables | None) -> Iterator[Violation]:
    """A submission that was answered as applied is applied, once; one that was only refused is not there."""
    verdicts: dict[tuple[str, str], set[int | None]] = {}
    for each in ledger:
        verdicts.setdefault(each.submission, set()).add(each.status)
    for submission, statuses in verdicts.items():
        applied = history.state.sessions.get(submission)
        if 200 in statuses and (applied is None or applied.outcome != "applied"):
            yield Violation("I2", "lost: answered as applied, and the fold does not have it", (submission, applied))
        if statuses <= {400, 404, 422, 429} and submission in history.first:
            yield Violation("I2", "refused, and yet in the log", (submission, history.first[submission]))
        if tables is not None and tables.sessions.get(submission) != (applied.outcome if applied else None):
            found = tables.sessions.get(submission)
            lost = "lost" if found is None else "outcome differs"
            yield Violation("I2", f"{lost}: session in the tables", (submission, found, applied))


def _first_content(history: History, submission: tuple[str, str]) -> tuple[str, int] | None:
    place = history.first.get(submission)
    event = history.records[place].event if place is not None else None
    return (event.data.game_mode, event.data.score) if isinstance(event, ScoreSubmittedEvent) else None


# --- I1, I2: rulings, and what was refused ---------------------------------------------------------


def check_rulings(history: History, rulings: list[Ruled], tables: Tables | None) -> Iterator[Violation]:
    """An acknowledged ruling is in the log as it was asked for, and has one effect however often it was sent."""
    for each in (each for each in rulings if each.verdict == "acknowledged"):
        place, wanted = place_of(each.position), (KINDS[each.word], each.target)
        folded = history.state.rulings.get(each.ruling)
        if place is None or _ruling_at(history, place) != (*each.ruling, *wanted):
            yield Violation("I1", "lost: no such ruling at the acknowledged position", each)
        elif each.status == 200 and history.first[each.ruling] != place:
            yield Violation("I1", "an applied ruling does not name the first record", (each, place))
        elif each.status == 200 and folded is None:
            yield Violation("I2", "lost: answered as applied, and the fold does not have it", each)
        elif tables is not None and tables.rulings.get(each.ruling) != (wanted if folded is not None else None):
            yield Violation("I2", "lost: ruling in the tables", (each, tables.rulings.get(each.ruling)))
    sent = {each.ruling for each in rulings}
    for ruling in history.state.rulings.keys() - sent:
        yield Violation("I1", "a ruling that nobody sent", history.state.rulings[ruling])


def _ruling_at(history: History, place: Place) -> tuple[str, str, str, str | None] | None:
    received = history.records.get(place)
    kind = KIND.get(type(received.event)) if received is not None else None
    if received is None or received.event is None or kind is None:
        return None
    return received.event.subject, received.event.id, kind, getattr(received.event.data, "event_id", None)


def check_refusals(history: History, ledger: Iterable[Try]) -> Iterator[Violation]:
    """Who was refused was told why, and it is so: the log has the ban, the revocation, the end, the first content."""
    banned = {event.subject for event in _events(history) if isinstance(event, PlayerBannedEvent)}
    erased = {event.subject for event in _events(history) if isinstance(event, PlayerErasedEvent)}
    revoked = {(each.subject, each.data.event_id) for each in _events(history) if isinstance(each, ScoreRevokedEvent)}
    for each in ledger:
        match each.reason if each.status in (403, 409, 410) else None:
            case None:
                so = True
            case "banned":
                so = each.player in banned
            case "erased":
                so = each.player in erased
            case "revoked":
                so = each.submission in revoked
            case "season-ended":
                so = _came_late(history, each)
            case _:
                so = _first_content(history, each.submission) not in (None, (each.mode, each.score))
        if not so:
            yield Violation("I2", "refused for what is not so", each)


def _events(history: History) -> Iterator[Event]:
    return (each.event for each in history.records.values() if each.event is not None)


def _came_late(history: History, each: Try) -> bool:
    place, ends_at = history.first.get(each.submission), history.board(each.mode).ends_at
    return place is not None and ends_at is not None and history.clocks[place] >= ends_at


# --- I3: sums and counts -------------------------------------------------------------------------


def check_totals(history: History, ledger: list[Try], tables: Tables | None) -> Iterator[Violation]:
    """Sums and counts a player, from what clients sent and the log holds: as the fold and as the tables have them."""
    contents: dict[tuple[str, str], set[tuple[str, int]]] = {}
    for each in ledger:
        contents.setdefault(each.submission, set()).add((each.mode, each.score))
    for submission, place in history.first.items():
        content = _first_content(history, submission)
        if content is None:
            continue
        if content not in contents.get(submission, ()):
            yield Violation("I1", "a record that no client sent", (submission, place, content))
    totals = counted(history)
    folded = {
        (board_id, player): (entry.standing.value, entry.standing.games_played)
        for (board_id, season, player), entry in history.state.entries.items()
        if season == ALL_TIME and entry.standing is not None
    }
    yield from _differences("the fold", totals, folded)
    if tables is not None:
        yield from _differences("the tables", totals, tables.entries)


def _differences(
    where: str, wanted: dict[tuple[str, str], tuple[int, int]], found: dict[tuple[str, str], tuple[int, int]]
) -> Iterator[Violation]:
    for at in sorted(wanted.keys() | found.keys()):
        here, there = wanted.get(at, (0, 0)), found.get(at, (0, 0))
        if here != there:
            what = "doubled" if there[1] > here[1] else "lost" if there[1] < here[1] else "another sum"
            yield Violation("I3", f"{what}: in {where}", (at, f"the log gives {here}, found {there}"))


def check_submit_answers(history: History, ledger: Iterable[Try]) -> Iterator[Violation]:
    """The total of an answer is one of the player's totals at or after its own record."""
    for each in ledger:
        place = place_of(each.position)
        if each.status != 200 or place is None:
            continue
        board = history.board(each.mode)
        totals = history.totals.get((board.board_id, each.player), [])
        allowed = {value for offset, value in totals if offset >= place[1]}
        if each.new_total not in allowed:
            yield Violation("I3", "wrong total in a submit answer", (each, sorted(allowed)[:5]))
        if each.new_rank is None or each.new_rank < 1:
            yield Violation("I3", "wrong rank in a submit answer", each)


# --- I3, I4: answers are the fold at their position ----------------------------------------------


def check_answers(history: History, answers: Iterable[Answer]) -> Iterator[Violation]:
    """Each recorded answer equals the fold at exactly the position that it states."""
    stated = [(position, each) for each in answers if (position := _stated(each)) is not None]
    # Near positions follow each other, so that a board moves little between two answers.
    stated.sort(key=lambda pair: (pair[1].mode, sum(pair[0].offsets.values())))
    for mode, group in groupby(stated, key=lambda pair: pair[1].mode):
        board = BoardAt(history, history.board(mode))
        for position, each in group:
            beyond = {p: offset for p, offset in position.offsets.items() if offset > history.end(p)}
            if beyond:
                yield Violation("I3", "wrong position: beyond the end of the log", (each, beyond))
                continue
            board.seek(position.offsets)
            wanted = _wanted(board, each)
            found = each.total if each.status == 200 else None, [tuple(row) for row in each.rows]
            if wanted != found:
                yield Violation("I3", f"wrong {each.kind}", (each, f"the fold gives {wanted}"))


def _stated(each: Answer) -> Position | None:
    return parse_position(each.position) if each.position and each.status in (200, 404) else None


def _wanted(board: BoardAt, each: Answer) -> tuple[int | None, list[Row]]:
    """Total and rows that the fold gives; no total where nobody is to be found (404)."""
    if each.kind == "top":
        return board.total, [_row(rank, standing) for rank, standing in board.top(each.limit)]
    found = board.row(each.player)
    return (board.total, [_row(*found)]) if found is not None else (None, [])


def _row(rank: int, standing: Standing) -> Row:
    return rank, standing.player_id, standing.value, standing.games_played, instant(standing.updated_at)


# --- I8: one owner an epoch ------------------------------------------------------------------------


def check_ownership(tables: Tables | None) -> Iterator[Violation]:
    """Epochs go up by one, each with one owner, who begins where the one before had come to or beyond."""
    rows = sorted(tables.ownership) if tables is not None else []
    for before, after in pairwise(rows):
        if before[:2] != after[:2]:
            continue
        if after.epoch != before.epoch + 1:
            yield Violation("I8", "epochs do not go up by one", (before, after))
        if after.from_offset < before.from_offset:
            yield Violation("I8", "an owner began before the one before", (before, after))


# --- I6, I7: positions -----------------------------------------------------------------------------


def check_positions(answers: Iterable[Answer]) -> Iterator[Violation]:
    """An answer contains what was asked for; readers who carry their token never go back."""
    seen: dict[int, Position] = {}
    for each in answers:
        position = _stated(each)
        if position is None or each.minimum is None:
            continue
        if not position.covers(parse_position(each.minimum)):
            yield Violation("I6", "an answer without what was asked for", each)
        before = seen.get(each.reader, position)
        if not position.covers(before):
            yield Violation("I7", "a reader's position went back", (each, str(before)))
        seen[each.reader] = position.merge(before)


# --- I9: every record has one outcome ------------------------------------------------------------


def check_checkpoints(history: History, tables: Tables | None) -> Iterator[Violation]:
    """Outcomes add up to the next offset, and are those of the fold."""
    if tables is None:
        return
    for partition in sorted(history.state.partitions.keys() | tables.checkpoints.keys()):
        row = tables.checkpoints.get(partition)
        if row is None or row.next_offset != history.end(partition):
            yield Violation("I9", "the checkpoint is not at the end of the log", (partition, row))
            continue
        if row.next_offset and sum(row[1:]) + 1 != row.next_offset:
            yield Violation("I9", "outcomes do not add up to the next offset", (partition, row))
        if row[1:] != tuple(history.state.partitions[partition].counts.values()):
            yield Violation("I9", "outcomes are not those of the fold", (partition, row))


# --- I11: sockets ----------------------------------------------------------------------------------


def check_chains(told: Iterable[Told]) -> Iterator[Violation]:
    """The old rank of an event is the last rank of that player that this socket brought."""
    delivered: dict[tuple[int, str], int | None] = {}
    for each in told:
        if each.what != "event":
            continue
        at = each.socket, each.user_id
        if each.old_rank != delivered.get(at):
            yield Violation("I11", "a hole in a chain", (each, f"last told {delivered.get(at)}"))
        delivered[at] = each.new_rank


def check_last_told(history: History, told: list[Told]) -> Iterator[Violation]:
    """Sockets that are open when everything is quiet have brought the last rank of the player they are for."""
    closed = {each.socket for each in told if each.what == "closed"}
    mine = {each.socket: each for each in told if each.what == "opened" or each.user_id == each.watched}
    ends = {partition: folded.next_offset for partition, folded in history.state.partitions.items()}
    boards: dict[str, BoardAt] = {}
    for last in (each for socket, each in mine.items() if socket not in closed):
        board = boards.setdefault(last.mode, BoardAt(history, history.board(last.mode)))
        board.seek(ends)
        found = board.row(last.watched)
        if last.new_rank != (found[0] if found is not None else None):
            yield Violation("I11", "the last rank that was told is not the rank", (last, found))


# --- seasons ---------------------------------------------------------------------------------------


def check_results(history: History, told: Iterable[SeasonClosedEvent], tables: Tables | None) -> Iterator[Violation]:
    """A season that is over has one closed result, told as one; that it is the fold of the log, `verify` says."""
    if tables is None:
        return
    records: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for each in told:
        if each.data.kind == "closed":
            records.setdefault((each.data.board_id, each.data.season), set()).add((each.id, each.data.digest))
    for at in sorted(_over(history) | tables.results.keys() | records.keys()):
        result, said = tables.results.get(at), records.get(at, set())
        if at not in _over(history):
            yield Violation("season", "closed before it was over", (at, result, said))
        elif result is None:
            yield Violation("season", "over and not closed", at)
        elif {digest for _, digest in said} != {result} or len(said) != 1:
            yield Violation("season", "not told as the one result that it has", (at, result, said))


def _over(history: History) -> set[tuple[str, str]]:
    """The seasons that somebody has played in and that the log is beyond the end of."""
    clock = max(history.clocks.values(), default=0)
    ends = {each.board_id: each.ends_at for each in history.catalogue.boards() if each.ends_at is not None}
    return {(board, ALL_TIME) for board in history.changes if board in ends and ends[board] <= clock}


# --- statuses --------------------------------------------------------------------------------------


def check_statuses(ledger: Iterable[Try], rulings: Iterable[Ruled], answers: Iterable[Answer]) -> Iterator[Violation]:
    """No fault may cause an answer that is no promise at all, such as 500."""
    statuses = Counter(
        (kind, each.status)
        for kind, group in (("submit", ledger), ("ruling", rulings), ("read", answers))
        for each in group
        if each.status not in EXPECTED
    )
    for (kind, status), count in statuses.items():
        yield Violation("status", f"{kind} answered {status}", f"{count} times")
