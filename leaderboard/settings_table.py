"""The settings there are, from their classes: for `leaderboard settings`, docs/settings.md and .env.example."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from shared.settings import (
    CommandSettings,
    HttpSettings,
    KafkaSettings,
    LiveSettings,
    MetricsSettings,
    NamingSettings,
    PostgresSettings,
    ProjectorSettings,
    ReadSettings,
    RedisSettings,
    Settings,
    WebSettings,
)

GROUPS: Mapping[type[Settings], str] = {
    KafkaSettings: "everything",
    PostgresSettings: "everything",
    RedisSettings: "everything",
    NamingSettings: "everything",
    HttpSettings: "command-api, query-api, notifier, front",
    CommandSettings: "command-api, front",
    ReadSettings: "command-api, query-api, notifier, front",
    LiveSettings: "notifier, front",
    WebSettings: "front",
    ProjectorSettings: "projector",
    MetricsSettings: "command-api, query-api, notifier, front, projector",
}
"""A group → the services that read it."""
EXAMPLES = {
    "LEADERBOARD_KAFKA": "localhost:9092",
    "LEADERBOARD_POSTGRES": "postgresql://leaderboard:secret@localhost:5432/leaderboard",
    "LEADERBOARD_REDIS": "redis://localhost:6379/0",
}
"""What has no default, and has to be set unless `leaderboard up` starts it."""
EXAMPLE_HEAD = """\
# The settings of the services, with their defaults. Nothing reads this file by itself: copy it to .env, then
#   set -a; . ./.env; set +a
# `leaderboard up` starts a server of its own for each of LEADERBOARD_KAFKA, _POSTGRES and _REDIS that is not set.
# Written by scripts/settings, from shared/settings.py."""
WIDTH = 118


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment."""

    variable: str
    default: str | None
    """As it would be written; None where there is none."""
    allowed: str
    """Its values, in words; empty: any text."""
    meaning: str
    secret: bool
    readers: str

    def value(self, environment: Mapping[str, str]) -> str:
        """What it is now; of a secret only whether it is set."""
        found = environment.get(self.variable)
        if found is None:
            return "not set" if self.default is None else self.default
        return "set" if self.secret else found


def list_settings() -> list[Setting]:
    """Each variable once, in the order of GROUPS; one that two groups have, with both meanings."""
    found: dict[str, Setting] = {}
    for group, readers in GROUPS.items():
        for name, schema in group.model_json_schema()["properties"].items():
            setting = _setting(name, schema, readers)
            known = found.get(setting.variable)
            found[setting.variable] = setting if known is None else _both(known, setting)
    return list(found.values())


def settings_table(environment: Mapping[str, str]) -> Table:
    """What is set now, and what it means; what differs from the default stands out."""
    table = Table("variable", "value", "allowed", "meaning")
    for each in list_settings():
        style = "bold" if each.variable in environment else "dim"
        value = escape(each.value(environment))
        table.add_row(each.variable, f"[{style}]{value}[/{style}]", escape(each.allowed), escape(each.meaning))
    return table


def markdown() -> str:
    """docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "From the environment, or a file of `/run/secrets` that is called as the variable, in small letters; another",
        "folder by `LEADERBOARD_SECRETS`. Read once at the start. `leaderboard settings` shows this table with the",
        "values that hold where it runs. Written by `scripts/settings`, from `shared/settings.py`.",
        "",
        "| variable | default | allowed | meaning | read by |",
        "|---|---|---|---|---|",
    ]
    for each in list_settings():
        default = "" if each.default is None else f"`{each.default}`" if each.default else "empty"
        cells = (f"`{each.variable}`", default, each.allowed, each.meaning, each.readers)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def example() -> str:
    """.env.example."""
    blocks = [EXAMPLE_HEAD]
    for each in list_settings():
        words = " ".join(filter(None, (each.meaning, f"({each.allowed})" if each.allowed else "")))
        comment = textwrap.fill(words, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
        given = EXAMPLES.get(each.variable)
        line = f"#{each.variable}={each.default or ''}" if given is None else f"{each.variable}={given}"
        blocks.append(f"{comment}\n{line}")
    return "\n\n".join(blocks) + "\n"


def _setting(name: str, schema: Mapping[str, Any], readers: str) -> Setting:
    variable = name if name.startswith("LEADERBOARD_") else f"LEADERBOARD_{name.upper()}"
    choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    allowed = "; ".join(_allowed(each) for each in choices)
    secret = any(each.get("writeOnly", False) for each in choices)
    meaning = " ".join(schema["description"].split())
    return Setting(variable, _default(schema), allowed, meaning, secret, readers)


def _default(schema: Mapping[str, Any]) -> str | None:
    default = schema.get("default")
    if isinstance(default, bool):
        return str(default).lower()
    return None if default is None else f"{default:g}" if isinstance(default, float) else str(default)


def _allowed(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if schema["type"] == "boolean":
        return "true, false"
    return ", ".join(_bounds(schema))


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    if "minimum" in schema:
        yield f"{schema['minimum']:,} to {schema['maximum']:,}"
    if "minLength" in schema:
        yield f"at least {schema['minLength']} characters"
    if "pattern" in schema:
        yield f"`{schema['pattern']}`"


def _both(one: Setting, other: Setting) -> Setting:
    readers = ", ".join(dict.fromkeys([*one.readers.split(", "), *other.readers.split(", ")]))
    meaning = f"{one.meaning} {other.meaning}"
    return Setting(one.variable, one.default, one.allowed, meaning, one.secret, readers)
