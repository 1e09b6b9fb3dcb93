"""Boards from a file: what it says, what there is to do, and what is not allowed."""

from pathlib import Path
from typing import Any

import pytest

from leaderboard.boards import Change, InvalidFile, Present, plan, read_boards
from shared.boards import Board
from shared.catalogue import Catalogue, Revision
from shared.events import BoardDefined

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "boards.toml"
NOW = 1_800_000_000_000
BOARD = """
[[board]]
board_id = "race"
title = "Race"
game_modes = ["race"]
operator = "best"
order = "asc"
"""


def board(**changes: Any) -> Board:
    fields = {"board_id": "race", "title": "Race", "game_modes": ["race"], "operator": "best", "order": "asc"}
    return Board.model_validate({**fields, **changes})


def present(revision: int = 3, *, retired: bool = False, **changes: Any) -> Present:
    definition = board(revision=revision, **changes)
    return Present(board_id=definition.board_id, retired=retired, revision=revision, definition=definition)


def test_the_sample_defines_boards_that_an_empty_catalogue_takes() -> None:
    boards = read_boards(SAMPLE.read_text())
    assert {each.reset for each in boards} == {"never", "daily", "weekly", "monthly", "cron"}
    assert {each.ties for each in boards} == {"first_to_reach", "shared", "dense"}
    cup = next(each for each in boards if each.board_id == "summer-cup")
    assert (cup.starts_at, cup.ends_at, cup.max_attempts) == (1_811_865_600_000, 1_812_470_400_000, 5)
    assert any(each.where == {"player.country": ("DE",)} for each in boards)
    catalogue = Catalogue()
    for offset, each in enumerate(boards):
        revision = catalogue.revise(BoardDefined(board=each), NOW)
        catalogue = Catalogue(offset, (*catalogue.revisions, Revision(offset, revision.board)))
    assert catalogue.feeding(catalogue.newest, "arcade")[0].board_id == "arcade"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"\[\[board\]\]"),
        ("board = 3", r"\[\[board\]\]"),
        ("board = [3]", "board 1: a"),
        ("[[boards]]\nboard_id = 'x'", "there is boards"),
        ("[[board]", "no TOML"),
        (BOARD.replace('"asc"', '"up"'), r"board 1 \(race\): order"),
        (BOARD + "revision = 2", "revision"),
        (BOARD + "colour = 2", "colour"),
        (BOARD + BOARD, "defined twice: race"),
        (BOARD + "starts_at = 2027-06-01T18:00:00", "starts_at: a date and time with its offset"),
        (BOARD + "starts_at = 2027-06-01", "starts_at"),
        (BOARD + 'reset = "cron"', "cron is needed"),
        (BOARD.replace('board_id = "race"', ""), "without board_id"),
    ],
)
def test_a_file_that_defines_no_boards_says_where_and_why(text: str, said: str) -> None:
    with pytest.raises(InvalidFile, match=said):
        read_boards(text)


def test_a_board_that_the_system_has_not_is_created() -> None:
    [step] = plan([board()], [], NOW).steps
    assert (step.action, step.expected_revision) == ("create", 0)


def test_a_board_that_is_as_it_should_be_is_left_unchanged_whatever_its_revision() -> None:
    made = plan([board()], [present(7)], NOW)
    assert ([step.action for step in made.steps], made.to_do) == (["unchanged"], ())


def test_a_revision_names_each_field_with_its_old_and_new_value() -> None:
    [step] = plan([board(title="New", metadata_keys=["map"])], [present()], NOW).steps
    assert (step.action, step.expected_revision) == ("revise", 3)
    assert step.changes == (Change("title", "Race", "New"), Change("metadata_keys", None, ["map"]))


def test_what_a_living_board_keeps_is_refused_with_the_field() -> None:
    made = plan([board(order="desc")], [present()], NOW)
    assert made.to_do == ()
    [step] = made.refused
    assert step.reason.startswith("order is fixed")
    assert step.changes == (Change("order", "asc", "desc"),)


def test_an_end_that_has_passed_is_refused_and_one_to_come_is_moved() -> None:
    soon, later = NOW + 3_600_000, NOW + 7_200_000
    assert plan([board(ends_at=later)], [present(ends_at=soon)], NOW).steps[0].action == "revise"
    assert plan([board(ends_at=later)], [present(ends_at=soon)], soon).steps[0].action == "refused"


def test_a_retired_board_is_refused_even_when_it_is_as_the_file_says() -> None:
    [step] = plan([board()], [present(retired=True)], NOW).refused
    assert "retired" in step.reason


def test_boards_that_the_file_does_not_name_are_left_alone_and_listed() -> None:
    other = present(board_id="other")
    made = plan([board()], [other, present()], NOW)
    assert made.left_alone == (other,)


def test_the_key_of_a_step_is_of_the_definition_and_of_the_revision_that_it_follows() -> None:
    [create] = plan([board()], [], NOW).steps
    [again] = plan([board(revision=9)], [], NOW).steps
    [other] = plan([board(title="New")], [], NOW).steps
    [third] = plan([board(title="New")], [present(3)], NOW).steps
    [fourth] = plan([board(title="New")], [present(4)], NOW).steps
    assert create.key == again.key
    assert len({create.key, other.key, third.key, fourth.key}) == 4
