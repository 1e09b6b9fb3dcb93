"""The fold: deterministic, total, first occurrence wins."""

import itertools
import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.boards import DEFAULT_BOARDS
from shared.catalogue import fold_catalogue
from shared.events import BoardDefined, PlayerProfileSet, RecordVoided, ScoreSubmitted, decode, encode
from shared.fold.fold import CatalogueBehind, fold_all
from shared.fold.players import Profile, fold_profile
from shared.fold.state import EntryKey, State
from shared.fold.unfoldable import Unfoldable
from shared.numbers import LARGEST
from shared.ranking import Standing
from shared.records import Received, Record
from shared.topics import TICK_KEY, Place
from tests.builders import (
    CATALOGUE,
    NOW,
    fact_bytes,
    log_of,
    record,
    registration_bytes,
    score_bytes,
)

PLAYERS = {0: ["ann", "bob"], 1: ["cyd", "dan"]}


@st.composite
def entry(draw: st.DrawFn, partition: int) -> tuple[str, bytes]:
    player = draw(st.sampled_from(PLAYERS[partition]))
    kind = draw(st.sampled_from(["score", "score", "score", "score", "register", "garbage", "foreign key"]))
    if kind == "garbage":
        return player, draw(st.binary(max_size=20))
    if kind == "register":
        return player, registration_bytes(player)
    mode = draw(st.sampled_from(["classic", "classic", "sprint", "nope"]))
    score = draw(st.sampled_from([-5, 0, 1, 2, 3, 50, LARGEST - 1, LARGEST]))
    key = draw(st.sampled_from(["a", "b", "c", "d", "e"]))
    value = score_bytes(player, score, key, mode, registered_only=draw(st.booleans()))
    return ("someone-else" if kind == "foreign key" else player), value


@st.composite
def logs(draw: st.DrawFn) -> dict[int, list[Received]]:
    return {
        partition: log_of(*draw(st.lists(entry(partition), max_size=15)), partition=partition) for partition in PLAYERS
    }


def folded(records: list[Received]) -> State:
    state = State()
    fold_all(state, CATALOGUE, records)
    return state


@settings(max_examples=150, deadline=None)
@given(logs(), st.integers(0, 2**32))
def test_splits_redelivery_and_interleaving_change_nothing(log: dict[int, list[Received]], seed: int) -> None:
    chance = random.Random(seed)
    expected = folded([*log[0], *log[1]])
    state, at = State(), {0: 0, 1: 0}
    while any(at[p] < len(log[p]) for p in at):
        partition = chance.choice([p for p in at if at[p] < len(log[p])])
        start = chance.randint(0, at[partition])  # a redelivery of what was there already
        end = chance.randint(at[partition], len(log[partition]))
        fold_all(state, CATALOGUE, log[partition][start:end])
        at[partition] = max(at[partition], end)
    assert state == expected


@settings(max_examples=150, deadline=None)
@given(logs())
def test_entries_are_plain_sums_and_minima_of_the_applied_sessions(log: dict[int, list[Received]]) -> None:
    state = folded([*log[0], *log[1]])
    scores = defaultdict(list)
    for session in state.sessions.values():
        if session.outcome == "applied":
            scores[session.game_mode, session.player_id].append(session.score)
    wanted = {
        (mode, "all", player): (sum(each) if mode == "classic" else min(each), len(each))
        for (mode, player), each in scores.items()
    }
    found = {key: standing_of(state, key) for key in state.entries}
    assert {key: (each.value, each.games_played) for key, each in found.items()} == wanted
    assert all(abs(each.value) <= LARGEST for each in found.values())


@settings(max_examples=100, deadline=None)
@given(logs())
def test_every_record_but_the_first_has_one_outcome(log: dict[int, list[Received]]) -> None:
    state = folded([*log[0], *log[1]])
    for partition in state.partitions.values():
        assert sum(partition.counts.values()) + 1 == partition.next_offset


def standing_of(state: State, key: EntryKey) -> Standing:
    standing = state.entries[key].standing
    assert standing is not None
    return standing


def outcomes(*values: tuple[str, bytes]) -> list[tuple[str, str | None]]:
    steps = fold_all(State(), CATALOGUE, log_of(*values))
    return [(step.outcome.kind, step.outcome.reason) for step in steps]


def test_the_first_record_of_an_id_counts_and_a_repetition_does_not() -> None:
    state = State()
    steps = fold_all(state, CATALOGUE, log_of(*[("ann", score_bytes("ann", 5))] * 3))
    assert [step.outcome.kind for step in steps] == ["applied", "duplicate", "duplicate"]
    assert {step.outcome.offset for step in steps} == {1}
    assert standing_of(state, ("classic", "all", "ann")).value == 5


def test_the_same_id_with_another_score_is_a_conflict() -> None:
    assert outcomes(("ann", score_bytes("ann", 5)), ("ann", score_bytes("ann", 6))) == [
        ("applied", None),
        ("conflict", "other_content"),
    ]


def test_a_repetition_of_a_refused_submission_says_why_it_was_refused() -> None:
    value = score_bytes("ann", 5, mode="nope")
    steps = fold_all(State(), CATALOGUE, log_of(("ann", value), ("ann", value)))
    assert steps[1].outcome[:2] == ("duplicate", "unknown_mode")
    assert steps[1].outcome.first == "refused"


def test_an_equal_best_keeps_the_time_when_it_was_reached() -> None:
    state = State()
    times = [("ann", score_bytes("ann", n, str(i), "sprint")) for i, n in enumerate([40, 30, 30, 35])]
    fold_all(state, CATALOGUE, log_of(*times))
    standing = standing_of(state, ("sprint", "all", "ann"))
    assert (standing.value, standing.reached_at, standing.updated_at, standing.games_played) == (
        30,
        NOW + 2,
        NOW + 4,
        4,
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (score_bytes("ann", 1, mode="nope"), "unknown_mode"),
        (score_bytes("ann", 0), "out_of_bounds"),
        (score_bytes("ann", -1), "out_of_bounds"),
        (score_bytes("ann", 1, registered_only=True), "unknown_player"),
        (score_bytes("bob", 1), "misplaced"),
        (b"garbage", "undecodable"),
        (b"", "undecodable"),
        (b'{"type":"com.example.other"}', "undecodable"),
    ],
)
def test_what_does_not_count_is_refused_with_a_reason(value: bytes, reason: str) -> None:
    assert outcomes(("ann", value)) == [("refused", reason)]


def test_a_sum_that_no_client_could_hold_exactly_is_refused() -> None:
    values = [("ann", score_bytes("ann", LARGEST, "a")), ("ann", score_bytes("ann", 1, "b"))]
    assert outcomes(*values) == [("applied", None), ("refused", "sum_out_of_range")]


def test_a_registration_makes_a_player_known_once() -> None:
    only = score_bytes("ann", 1, registered_only=True)
    register = ("ann", registration_bytes("ann"))
    assert [kind for kind, _ in outcomes(register, ("ann", only), register)] == ["applied", "applied", "duplicate"]


def test_a_second_log_created_is_misplaced() -> None:
    again = record(1, "$log", log_of()[0].record.value)
    steps = fold_all(State(), CATALOGUE, [*log_of(), again])
    assert [step.outcome.reason for step in steps] == ["misplaced"]


def test_the_clock_is_a_running_maximum() -> None:
    state = State()
    late = record(1, "ann", score_bytes("ann", 1, "a"), at=10)
    early = record(2, "ann", score_bytes("ann", 1, "b"), at=5)
    fold_all(state, CATALOGUE, [*log_of(), late, early])
    assert state.partitions[0].clock == NOW + 10
    assert standing_of(state, ("classic", "all", "ann")).reached_at == NOW + 10


@given(st.lists(st.integers(-(10**7), 10**7), min_size=3, max_size=3))
def test_what_a_writer_says_of_the_time_changes_nothing(skews: list[int]) -> None:
    """Clients an hour ahead, or a writer whose clock jumps back: the broker's timestamps alone decide."""
    logs = []
    for seconds in ([0, 0, 0], skews):
        values = [score_bytes("ann", 5, "a"), score_bytes("bob", 5, "b"), score_bytes("ann", 2, "c")]
        times = [datetime.fromtimestamp(NOW / 1000 + skew, UTC) for skew in seconds]
        skewed = [
            encode(decode(value).model_copy(update={"time": at})) for value, at in zip(values, times, strict=True)
        ]
        logs.append(log_of(*zip(["ann", "bob", "ann"], skewed, strict=True)))
    assert folded(logs[0]) == folded(logs[1])


def test_an_own_type_that_this_build_does_not_know_stops_the_fold() -> None:
    newer = score_bytes("ann", 1).replace(b"leaderboard.ScoreSubmitted.v2", b"leaderboard.ScoreSubmitted.v9")
    state = State()
    with pytest.raises(Unfoldable, match=r"events/0 at offset 2: .*ScoreSubmitted.v9") as stopped:
        fold_all(state, CATALOGUE, [*log_of(("ann", score_bytes("ann", 5))), record(2, "ann", newer)])
    assert (stopped.value.place, stopped.value.offset) == (("events", 0), 2)
    assert state.partitions[0].next_offset == 2


def test_a_voided_record_counts_for_nothing_whatever_it_is() -> None:
    newer = score_bytes("ann", 1).replace(b"leaderboard.ScoreSubmitted.v2", b"leaderboard.ScoreSubmitted.v9")
    voided: set[tuple[Place, int]] = {(("events", 0), 1), (("events", 0), 2), (("players", 0), 3)}
    catalogue = replace(CATALOGUE, voided=frozenset(voided))
    state = State()
    rest = [
        record(1, "ann", newer),
        *log_of(("ann", b""), ("ann", score_bytes("ann", 5)), ("ann", score_bytes("ann", 7))),
    ]
    steps = fold_all(state, catalogue, [rest[1], rest[0], *rest[3:]])
    assert [step.outcome.kind for step in steps] == ["voided", "voided", "applied"]
    assert standing_of(state, ("classic", "all", "ann")).value == 7
    assert sum(state.partitions[0].counts.values()) + 1 == state.partitions[0].next_offset


def test_an_error_in_the_fold_stops_at_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("shared.fold.fold.fold_score", broken)
    with pytest.raises(Unfoldable, match="events/0 at offset 1: ZeroDivisionError: a bug"):
        fold_all(State(), CATALOGUE, log_of(("ann", score_bytes("ann", 5))))


def test_a_tick_sets_and_erases_nothing() -> None:
    assert fold_profile(CATALOGUE, record(4, TICK_KEY.decode(), None)) is None
    assert fold_profile(CATALOGUE, record(5, "ann", None)) == Profile("ann", None, {}, 0, 5)


def test_a_profile_of_a_newer_build_stops_and_can_be_voided() -> None:
    value = fact_bytes(PlayerProfileSet(player_id="ann", username="Ann")).replace(b"ProfileSet.v1", b"ProfileSet.v9")
    with pytest.raises(Unfoldable, match="players/0 at offset 4"):
        fold_profile(CATALOGUE, record(4, "ann", value))
    passed = replace(CATALOGUE, voided=frozenset({(("players", 0), 4)}))
    assert fold_profile(passed, record(4, "ann", value)) is None


def test_the_catalogue_knows_what_is_voided() -> None:
    value = fact_bytes(RecordVoided(topic="players", partition=3, offset=9), subject="players/3/9")
    after = fold_catalogue(CATALOGUE, [Record(0, 3, NOW, b"key", value)])
    assert after.voided == {(("players", 3), 9)}
    assert after.boards() == CATALOGUE.boards()


def test_an_event_from_beyond_the_catalogue_waits() -> None:
    ahead = fact_bytes(log_of(("ann", score_bytes("ann", 1)))[1].event.data, catalogue=3)  # type: ignore[union-attr]
    with pytest.raises(CatalogueBehind):
        fold_all(State(), CATALOGUE, [*log_of(), record(1, "ann", ahead)])


def test_an_event_that_was_written_since_a_board_of_a_newer_build_cannot_be_judged() -> None:
    board = fact_bytes(BoardDefined(board=DEFAULT_BOARDS[0])).replace(b"BoardDefined.v2", b"BoardDefined.v9")
    after = fold_catalogue(CATALOGUE, [Record(0, 3, NOW, b"key", board)])
    before, since = (
        fact_bytes(ScoreSubmitted(player_id="ann", game_mode="classic", score=1), str(known), catalogue=known)
        for known in (2, 3)
    )
    assert len(fold_all(State(), after, [*log_of(), record(1, "ann", before)])) == 1
    with pytest.raises(Unfoldable, match=r"BoardDefined\.v9, offset 3 of the catalogue"):
        fold_all(State(), after, [*log_of(), record(1, "ann", since)])


def test_the_table_is_the_same_for_every_order_of_partitions() -> None:
    logs = [log_of(("ann", score_bytes("ann", 1)), partition=0), log_of(("cyd", score_bytes("cyd", 2)), partition=1)]
    states = [folded(list(itertools.chain(*order))) for order in itertools.permutations(logs)]
    assert states[0] == states[1]
