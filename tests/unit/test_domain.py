"""What is said of a command before the log: its mode and its bounds, by field."""

import pytest

from command_api.domain import Refused, SubmitScore, attributes_asked, decide
from shared.boards import Board
from shared.catalogue import Catalogue, Revision
from shared.numbers import LARGEST
from tests.builders import CATALOGUE

WIDE = Board(board_id="wide", title="Wide", game_modes=("race", "drift"), operator="sum", order="desc", maximum=100)
NARROW = Board(board_id="narrow", title="Narrow", game_modes=("race",), operator="best", order="asc", minimum=10)


def catalogue_of(*boards: Board) -> Catalogue:
    return Catalogue(len(boards) - 1, tuple(Revision(offset, board) for offset, board in enumerate(boards)))


def declaring(board_id: str, *keys: str) -> Board:
    return Board(
        board_id=board_id, title="Declaring", game_modes=("race",), operator="sum", order="desc", metadata_keys=keys
    )


TWO = catalogue_of(WIDE, NARROW)


def refused(command: SubmitScore, catalogue: Catalogue = CATALOGUE) -> Refused:
    with pytest.raises(Refused) as caught:
        decide(command, catalogue, registered_only=False)
    return caught.value


@pytest.mark.parametrize("score", [1, 2, LARGEST])
def test_a_score_on_or_within_the_bounds_becomes_the_fact(score: int) -> None:
    fact = decide(SubmitScore("ann", "sprint", score), CATALOGUE, registered_only=False)
    assert (fact.player_id, fact.game_mode, fact.score, fact.metadata) == ("ann", "sprint", score, None)


def test_an_open_registration_leaves_the_policy_out_of_the_fact() -> None:
    open_, required = (decide(SubmitScore("ann", "classic", 1), CATALOGUE, registered_only=r) for r in (False, True))
    assert (open_.registered_only, required.registered_only) == (None, True)


@pytest.mark.parametrize("score", [0, -1, LARGEST + 1])
def test_a_score_outside_the_bounds_is_refused_with_the_bounds(score: int) -> None:
    problem = refused(SubmitScore("ann", "classic", score))
    assert (problem.field, problem.got) == ("score", score)
    assert problem.expected == f"an integer from 1 to {LARGEST}"


def test_an_unknown_mode_is_refused_with_the_modes_there_are() -> None:
    problem = refused(SubmitScore("ann", "nope", 0))
    assert (problem.field, problem.got, problem.expected) == ("game_mode", "nope", "one of: classic, sprint")


def test_without_a_board_the_refusal_says_that_there_is_none() -> None:
    assert refused(SubmitScore("ann", "classic", 1), Catalogue()).expected == "one of: none is defined yet"


def test_a_score_has_to_suit_some_board_that_the_mode_feeds() -> None:
    low = NARROW.model_copy(update={"maximum": 50})
    problem = refused(SubmitScore("ann", "race", 101), catalogue_of(WIDE, low))
    assert problem.expected == "an integer from 1 to 100 or from 10 to 50"
    assert [decide(SubmitScore("ann", "race", n), TWO, registered_only=False).score for n in (9, 101)] == [9, 101]
    assert refused(SubmitScore("ann", "drift", 101), TWO).expected == "an integer from 1 to 100"


def test_metadata_may_say_what_any_board_declares() -> None:
    two = catalogue_of(declaring("one", "map"), declaring("two", "platform"))
    fact = decide(SubmitScore("ann", "race", 1, {"map": "x", "platform": "pc"}), two, registered_only=False)
    assert fact.metadata == {"map": "x", "platform": "pc"}
    problem = refused(SubmitScore("ann", "race", 1, {"map": "x", "speed": 3, "a": 1}), two)
    assert (problem.field, problem.got, problem.expected) == ("metadata", ["a", "speed"], "no keys but: map, platform")


def test_a_board_that_declares_no_keys_takes_any() -> None:
    mixed = catalogue_of(declaring("one", "map"), WIDE)
    assert decide(SubmitScore("ann", "race", 1, {"speed": 3}), mixed, registered_only=False).metadata == {"speed": 3}


def test_a_board_that_declares_an_empty_list_takes_no_metadata() -> None:
    problem = refused(SubmitScore("ann", "race", 1, {"speed": 3}), catalogue_of(declaring("one")))
    assert problem.expected == "no keys but: (none)"
    assert (
        decide(SubmitScore("ann", "race", 1, {}), catalogue_of(declaring("one")), registered_only=False).metadata == {}
    )


def test_attributes_are_asked_for_only_by_criteria_of_the_player() -> None:
    where = {"player.team": ("red",), "metadata.platform": ("pc",), "player.country": ("DE", "AT")}
    asking = catalogue_of(WIDE, NARROW.model_copy(update={"where": where}))
    assert attributes_asked(asking, "race") == ["country", "team"]
    assert attributes_asked(asking, "drift") == []
    assert attributes_asked(CATALOGUE, "classic") == []
