"""What is said of a command before the log: its mode and its bounds, by field."""

import pytest

from command_api.domain import Refused, SubmitScore, decide
from shared.boards import Board
from shared.catalogue import Catalogue
from shared.numbers import LARGEST
from tests.builders import CATALOGUE

WIDE = Board(board_id="wide", title="Wide", game_modes=("race", "drift"), operator="sum", order="desc", maximum=100)
NARROW = Board(board_id="narrow", title="Narrow", game_modes=("race",), operator="best", order="asc", minimum=10)
TWO = Catalogue(1, ((0, WIDE), (1, NARROW)))


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


@pytest.mark.parametrize(("score", "bounds"), [(9, f"10 to {LARGEST}"), (101, "1 to 100")])
def test_a_score_has_to_suit_every_board_that_the_mode_feeds(score: int, bounds: str) -> None:
    assert refused(SubmitScore("ann", "race", score), TWO).expected == f"an integer from {bounds}"
    assert decide(SubmitScore("ann", "race", 10), TWO, registered_only=False).score == 10
    assert decide(SubmitScore("ann", "drift", 9), TWO, registered_only=False).score == 9
