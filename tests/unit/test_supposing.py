"""The same log under other rules: who moves, how far, why; against the fold of a log that always had those rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.supposing import Supposing, Supposition, furthest, read_supposition, suppose
from leaderboard.boards import InvalidFile
from shared.boards import Board
from shared.catalogue import Catalogue, Revision
from shared.events import Fact, PlayerBanned, PlayerReinstated, ScoreRevoked, ScoreSubmitted
from shared.fold.folding import Folding
from shared.fold.results import Results, digest_of
from shared.identity import event_id_of
from shared.records import Received
from tests.builders import catalogue_of, fact_bytes, log_of

SUM = Board(board_id="b", title="t", game_modes=("m",), operator="sum", order="desc")
OTHER = Board(board_id="other", title="t", game_modes=("m",), operator="count", order="desc")
WAS = catalogue_of(SUM, OTHER)
PLAYERS = ["ann", "bob", "cyd", "dan"]


def scores(*happened: tuple[str, int]) -> list[Received]:
    facts = [(player, ScoreSubmitted(player_id=player, game_mode="m", score=score)) for player, score in happened]
    return log_of(*((player, fact_bytes(fact, f"k{n}")) for n, (player, fact) in enumerate(facts)))


def supposing(records: list[Received], *boards: Board, excluded: frozenset[str] = frozenset()) -> Supposing:
    found = Supposing(WAS, Supposition(boards, excluded))
    folds = found.begin()
    for each in records:
        found.take(folds, each)
    found.end(folds)
    return found


def test_best_instead_of_sum() -> None:
    records = scores(("ann", 4), ("ann", 4), ("ann", 4), ("bob", 9), ("cyd", 5))
    found = supposing(records, SUM.model_copy(update={"operator": "best"}))
    summary, moves = found.moves("b", "all")
    assert (summary.players_was, summary.players_if, summary.up, summary.down, summary.same) == (3, 3, 2, 1, 0)
    assert summary.rules == "operator sum -> best"
    ann = furthest(moves, 1)[0]
    assert (ann.player_id, ann.rank_was, ann.rank_if, ann.moved) == ("ann", 1, 3, -2)
    assert (ann.value_was, ann.value_if, ann.why) == (12, 4, "operator sum -> best")
    assert {each.player_id: each.why for each in moves if each.player_id != "ann"} == {
        "bob": "others moved",
        "cyd": "others moved",
    }


def test_scores_that_no_longer_count_are_counted_by_reason() -> None:
    records = scores(("ann", 4), ("ann", 90), ("ann", 70), ("bob", 9))
    found = supposing(records, SUM.model_copy(update={"maximum": 50}))
    _, moves = found.moves("b", "all")
    [ann] = [each for each in moves if each.player_id == "ann"]
    assert (ann.games_was, ann.games_if) == (3, 1)
    assert ann.why == "maximum 9007199254740991 -> 50; no longer: 2 out_of_bounds"


def test_excluded_players_are_gone_and_others_move_up_on_every_board() -> None:
    found = supposing(scores(("ann", 4), ("bob", 9), ("bob", 1)), excluded=frozenset({"bob"}))
    assert found.seasons() == [("b", "all"), ("other", "all")]
    summary, moves = found.moves("b", "all")
    assert (summary.gone, summary.up, summary.rules) == (1, 1, "")
    assert {each.player_id: (each.rank_was, each.rank_if, each.why) for each in moves} == {
        "bob": (1, None, "excluded"),
        "ann": (2, 1, "others moved"),
    }


def test_a_new_board_counts_from_the_beginning() -> None:
    found = supposing(scores(("ann", 4), ("bob", 9)), Board.model_validate({**SUM.model_dump(), "board_id": "new"}))
    summary, moves = found.moves("new", "all")
    assert (summary.players_was, summary.players_if, summary.new, summary.rules) == (0, 2, 2, "a new board")
    assert [each.why for each in furthest(moves, 5)] == ["a new board; 1 more", "a new board; 1 more"]


def test_a_board_keeps_when_it_was_defined_and_retired() -> None:
    retired = Catalogue(9, (Revision(4, SUM), Revision(8, SUM.model_copy(update={"revision": 2}), retired=True)))
    found = suppose(retired, [SUM.model_copy(update={"operator": "best"})])
    assert [(each.offset, each.board.operator, each.retired) for each in found.revisions] == [
        (4, "best", False),
        (8, "best", True),
    ]


def facts(players: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, Fact, str]]:
    def of(player: str) -> st.SearchStrategy[tuple[str, Fact, str]]:
        target = st.sampled_from([event_id_of(player, key) for key in "abc"])
        made: st.SearchStrategy[Fact] = st.one_of(
            st.builds(ScoreSubmitted, player_id=st.just(player), game_mode=st.just("m"), score=st.integers(-2, 9)),
            st.builds(ScoreRevoked, player_id=st.just(player), event_id=target, reason=st.just("r")),
            st.builds(PlayerBanned, player_id=st.just(player), reason=st.just("r")),
            st.builds(PlayerReinstated, player_id=st.just(player), reason=st.just("r")),
        )
        return st.tuples(st.just(player), made, st.sampled_from("abc"))

    return players.flatmap(of)


RULES = st.builds(
    lambda **update: SUM.model_copy(update=update),
    operator=st.sampled_from(["best", "sum", "latest", "count"]),
    order=st.sampled_from(["asc", "desc"]),
    ties=st.sampled_from(["first_to_reach", "shared", "dense"]),
    maximum=st.integers(1, 9),
    max_attempts=st.sampled_from([None, 1, 2]),
)


@settings(max_examples=150)
@given(st.lists(facts(st.sampled_from(PLAYERS)), max_size=30), RULES, st.sets(st.sampled_from(PLAYERS), max_size=2))
def test_as_if_the_log_had_always_been_so(
    happened: list[tuple[str, Fact, str]], board: Board, excluded: set[str]
) -> None:
    values = [
        (player, fact_bytes(fact, key if isinstance(fact, ScoreSubmitted) else f"{type(fact)}{key}"))
        for player, fact, key in happened
    ]
    found = supposing(log_of(*values), board, excluded=frozenset(excluded))
    always, wanted = Folding(catalogue_of(board, OTHER)), Results({"b"})
    for each in log_of(*(value for value in values if value[0] not in excluded)):
        wanted.take(always.take(each))
    held = found.results_if.standings("b", "all")
    # Without those of the excluded, records lie a millisecond earlier: what they are worth is the same.
    assert {each.player_id: (each.value, each.games_played) for each in held} == {
        each.player_id: (each.value, each.games_played) for each in wanted.standings("b", "all")
    }
    if not excluded:
        assert digest_of(board, found.results_if.standings("b", "all")) == digest_of(
            board, wanted.standings("b", "all")
        )


def test_a_file_of_other_rules() -> None:
    text = (
        'exclude_players = ["ann"]\n[[board]]\nboard_id="b"\ntitle="t"\ngame_modes=["m"]\noperator="best"\norder="asc"'
    )
    read = read_supposition(text)
    assert read.excluded == {"ann"}
    assert [board.operator for board in read.boards] == ["best"]
    assert read.compared(WAS) == ["b", "other"]
    assert read_supposition('exclude_players = ["ann"]').boards == ()


@pytest.mark.parametrize("text", ["", "x = 1", 'exclude_players = ["no spaces"]', "exclude_players = 1", "board = []"])
def test_a_file_of_no_rules_is_refused(text: str) -> None:
    with pytest.raises(InvalidFile):
        read_supposition(text)
