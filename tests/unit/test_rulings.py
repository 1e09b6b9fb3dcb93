"""Operators, attempts, revocations, bans: rows are what counting sessions give, in any order of facts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.boards import Board
from shared.events import (
    Fact,
    PlayerBanned,
    PlayerErased,
    PlayerReinstated,
    ScoreRestored,
    ScoreRevoked,
    ScoreSubmitted,
)
from shared.fold.credits import derive
from shared.fold.fold import fold_all
from shared.fold.state import Entry, State, Step
from shared.identity import event_id_of
from tests.builders import catalogue_of, fact_bytes, log_of

BOARDS = {
    "best": Board(board_id="best", title="t", game_modes=("m",), operator="best", order="desc"),
    "least": Board(board_id="least", title="t", game_modes=("m",), operator="best", order="asc"),
    "sum": Board(board_id="sum", title="t", game_modes=("m",), operator="sum", order="desc"),
    "latest": Board(board_id="latest", title="t", game_modes=("m",), operator="latest", order="desc"),
    "count": Board(board_id="count", title="t", game_modes=("m",), operator="count", order="desc"),
    "three": Board(board_id="three", title="t", game_modes=("m",), operator="sum", order="desc", max_attempts=3),
    "low": Board(board_id="low", title="t", game_modes=("m",), operator="sum", order="desc", maximum=5),
}
CATALOGUE = catalogue_of(*BOARDS.values())
ENTRIES: st.SearchStrategy[Any] = st.sampled_from(["anonymous", "removed"])
KEYS = ["a", "b", "c", "d", "e", "f"]


def target(key: str) -> str:
    return event_id_of("ann", key)


def fold_facts(*facts: tuple[str, Fact]) -> tuple[State, list[Step]]:
    state = State()
    records = log_of(*(("ann", fact_bytes(fact, key, catalogue=len(BOARDS))) for key, fact in facts))
    return state, fold_all(state, CATALOGUE, records)


def score(key: str, value: int) -> tuple[str, Fact]:
    return key, ScoreSubmitted(player_id="ann", game_mode="m", score=value)


def revoke(key: str, command: str = "revoke") -> tuple[str, Fact]:
    return f"{command}-{key}", ScoreRevoked(player_id="ann", event_id=target(key), reason="cheating")


def restore(key: str, command: str = "restore") -> tuple[str, Fact]:
    return f"{command}-{key}", ScoreRestored(player_id="ann", event_id=target(key), reason="mistake")


def ban(command: str = "ban") -> tuple[str, Fact]:
    return command, PlayerBanned(player_id="ann", reason="cheating")


def reinstate(command: str = "back") -> tuple[str, Fact]:
    return command, PlayerReinstated(player_id="ann", reason="appeal")


def values(state: State) -> dict[str, int]:
    return {each.board_id: each.standing.value for each in state.entries.values() if each.standing is not None}


def kinds(steps: list[Step]) -> list[tuple[str, str | None]]:
    return [(step.outcome.kind, step.outcome.reason) for step in steps]


@st.composite
def commands(draw: st.DrawFn) -> list[tuple[str, Fact]]:
    made = []
    for number in range(draw(st.integers(0, 25))):
        key = draw(st.sampled_from(KEYS))
        kind = draw(st.sampled_from(["score"] * 5 + ["revoke", "restore", "ban", "reinstate", "erase"]))
        name = draw(st.sampled_from([f"{number}", "again"]))
        made.append(
            {
                "score": score(key, draw(st.integers(-1, 9))),
                "revoke": revoke(key, name),
                "restore": restore(key, name),
                "ban": ban(name),
                "reinstate": reinstate(name),
                "erase": (name, PlayerErased(player_id="ann", entries=draw(ENTRIES))),
            }[kind]
        )
    return made


def naive(board: Board, scores: list[int]) -> tuple[int, int] | None:
    """Value and games of plain scores in order, with none of our fold."""
    taken = [each for each in scores if board.minimum <= each <= board.maximum]
    taken = taken[: board.max_attempts or len(taken)]
    if not taken:
        return None
    best = max if board.order == "desc" else min
    value = {"sum": sum(taken), "count": len(taken), "latest": taken[-1], "best": best(taken)}[board.operator]
    return value, len(taken)


@settings(max_examples=300)
@given(commands())
def test_rows_are_what_the_counting_sessions_give(facts: list[tuple[str, Fact]]) -> None:
    state, _ = fold_facts(*facts)
    player = state.players.get("ann")
    counting = [each for each in state.sessions_of("ann") if each.counts]
    listed = player is not None and player.listed
    wanted = {
        name: naive(board, [each.score for each in counting]) if listed else None for name, board in BOARDS.items()
    }
    held = {
        each.board_id: each.standing and (each.standing.value, each.standing.games_played)
        for each in state.entries.values()
    }
    assert {name: row for name, row in wanted.items() if row} == {name: row for name, row in held.items() if row}
    if listed:
        rows = {key[:2]: each.standing for key, each in state.entries.items() if each.standing is not None}
        assert rows == derive(CATALOGUE, state.sessions_of("ann"))


@settings(max_examples=100)
@given(commands(), st.integers(0, 25))
def test_a_fold_in_two_parts_is_the_fold(facts: list[tuple[str, Fact]], cut: int) -> None:
    whole, _ = fold_facts(*facts)
    records = log_of(*(("ann", fact_bytes(fact, key, catalogue=len(BOARDS))) for key, fact in facts))
    state = State()
    fold_all(state, CATALOGUE, records[:cut])
    fold_all(state, CATALOGUE, records)
    assert state == whole


@pytest.mark.parametrize("order", [["score", "revoke"], ["revoke", "score"]])
def test_a_revocation_holds_in_either_order(order: list[str]) -> None:
    facts = {"score": score("a", 5), "revoke": revoke("a")}
    state, _ = fold_facts(score("b", 3), *(facts[name] for name in order))
    assert values(state)["sum"] == 3
    assert state.sessions["ann", target("a")].revoked


@pytest.mark.parametrize(
    "order", [["score", "revoke", "restore"], ["revoke", "restore", "score"], ["revoke", "score", "restore"]]
)
def test_a_restored_score_counts_in_any_order(order: list[str]) -> None:
    facts = {"score": score("a", 5), "revoke": revoke("a"), "restore": restore("a")}
    state, _ = fold_facts(*(facts[name] for name in order))
    assert values(state)["sum"] == 5


def test_a_late_retry_of_a_ban_does_not_ban_again() -> None:
    state, steps = fold_facts(score("a", 5), ban(), reinstate(), ban())
    assert kinds(steps)[-1] == ("duplicate", None)
    assert values(state)["sum"] == 5


def test_a_banned_player_is_on_no_board_and_may_not_submit() -> None:
    state, steps = fold_facts(score("a", 5), ban(), score("b", 5))
    assert values(state) == {}
    assert kinds(steps)[-1] == ("refused", "banned")
    assert all(entry.offset == 2 for entry in state.entries.values())


def test_a_retry_of_a_banned_player_is_told_so_and_after_the_ban_where_they_stand() -> None:
    _, steps = fold_facts(score("a", 5), ban(), score("a", 5), reinstate(), score("a", 5))
    assert kinds(steps)[2] == ("duplicate", "banned")
    assert kinds(steps)[4] == ("duplicate", None)
    assert {each.board_id: each.value for each in steps[4].outcome.credits}["sum"] == 5


def test_a_ban_of_nobody_is_refused() -> None:
    assert kinds(fold_facts(ban())[1]) == [("refused", "unknown_player")]


def test_an_erased_player_keeps_anonymous_rows_or_none() -> None:
    with_metadata = ScoreSubmitted(player_id="ann", game_mode="m", score=5, metadata={"device": "x"})
    kept, _ = fold_facts(("a", with_metadata), ("erase", PlayerErased(player_id="ann", entries="anonymous")))
    gone, steps = fold_facts(
        ("a", with_metadata), ("erase", PlayerErased(player_id="ann", entries="removed")), score("b", 1)
    )
    assert values(kept)["sum"] == 5
    assert values(gone) == {}
    assert {each.metadata for each in (*kept.sessions.values(), *gone.sessions.values())} == {None}
    assert kinds(steps)[-1] == ("refused", "erased")


def test_each_board_says_what_a_score_did_for_it() -> None:
    _, steps = fold_facts(*(score(key, value) for key, value in zip("abcd", [5, 7, 3, 9], strict=True)))
    last = {each.board_id: each for each in steps[-1].outcome.credits}
    assert (last["best"].value, last["best"].improved) == (9, True)
    assert (last["least"].value, last["least"].improved) == (3, False)
    assert (last["three"].value, last["three"].reason) == (15, "attempts_used_up")
    assert (last["low"].value, last["low"].reason) == (8, "out_of_bounds")


def test_a_score_that_no_board_takes_is_refused_with_the_reason_of_the_first() -> None:
    assert kinds(fold_facts(score("a", -1))[1]) == [("refused", "out_of_bounds")]


def test_a_board_takes_only_what_meets_its_criteria() -> None:
    where = {"player.country": ("DE", "AT"), "metadata.platform": ("ios",)}
    board = Board(board_id="dach", title="t", game_modes=("m",), operator="sum", order="desc", where=where)
    catalogue = catalogue_of(board)

    def submitted(key: str, attributes: dict[str, str] | None, metadata: dict[str, Any] | None) -> bytes:
        fact = ScoreSubmitted(player_id="ann", game_mode="m", score=1, attributes=attributes, metadata=metadata)
        return fact_bytes(fact, key, catalogue=1)

    steps = fold_all(
        State(),
        catalogue,
        log_of(
            ("ann", submitted("a", {"country": "AT"}, {"platform": "ios"})),
            ("ann", submitted("b", {"country": "FR"}, {"platform": "ios"})),
            ("ann", submitted("c", {"country": "DE"}, {"platform": ["ios"]})),
            ("ann", submitted("d", None, None)),
        ),
    )
    assert kinds(steps) == [("applied", None), *[("refused", "not_eligible")] * 3]


def test_an_equal_score_keeps_the_time_it_was_reached() -> None:
    state, _ = fold_facts(score("a", 5), score("b", 5), score("c", 4))
    reached = {each.board_id: each.standing.reached_at for each in rows(state)}
    assert reached["best"] < reached["least"]
    assert {each.standing.event_id for each in rows(state) if each.board_id == "best"} == {target("a")}


def rows(state: State) -> list[Any]:
    return [each for each in state.entries.values() if each.standing is not None]


def test_a_tombstone_says_where_it_was_made() -> None:
    state, _ = fold_facts(score("a", 1), revoke("a"))
    assert state.entries["sum", "all", "ann"] == Entry("sum", "all", "ann", None, 0, 2, state.partitions[0].clock)
