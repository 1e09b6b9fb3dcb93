"""docs/settings.md and .env.example: what operators read is what the services read."""

from pathlib import Path

from rich.console import Console

from leaderboard.settings_table import GROUPS, example, list_settings, markdown, settings_table
from shared.settings import Settings

ROOT = Path(__file__).parent.parent.parent


def test_the_documents_are_those_of_the_classes() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == markdown(), "run .venv/bin/python scripts/settings"
    assert (ROOT / ".env.example").read_text() == example(), "run .venv/bin/python scripts/settings"


def test_no_group_and_no_field_is_missing() -> None:
    assert set(GROUPS) == set(Settings.__subclasses__())
    fields = {name for group in GROUPS for name in group.model_fields}
    assert len(list_settings()) == len(fields)


def test_a_secret_is_not_shown() -> None:
    environment = {"LEADERBOARD_ADMIN_KEY": "correct-horse-battery", "LEADERBOARD_PORT": "9000"}
    console = Console(width=200)
    with console.capture() as shown:
        console.print(settings_table(environment))
    values = {each.variable: each.value(environment) for each in list_settings()}
    assert values["LEADERBOARD_ADMIN_KEY"] == "set"
    assert values["LEADERBOARD_POSTGRES"] == "not set"
    assert values["LEADERBOARD_PORT"] == "9000"
    assert "correct-horse" not in shown.get()


def test_the_example_is_a_shell_script_of_the_defaults() -> None:
    lines = [line for line in example().splitlines() if line and not line.startswith("# ")]
    assert all(line.lstrip("#").startswith("LEADERBOARD_") and "=" in line for line in lines), lines
    assert "#LEADERBOARD_PORT=8080" in lines
