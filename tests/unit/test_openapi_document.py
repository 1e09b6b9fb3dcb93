"""docs/openapi.json: what clients are made from is what the app says."""

from pathlib import Path
from typing import Any

import orjson

from leaderboard.front import create_api

ROOT = Path(__file__).parent.parent.parent


def test_the_document_is_that_of_the_app() -> None:
    file = ROOT / "docs" / "openapi.json"
    assert orjson.loads(file.read_bytes()) == create_api().openapi(), "run .venv/bin/python scripts/openapi"


def test_operations_have_short_names_of_their_own_and_references_lead_somewhere() -> None:
    document = create_api().openapi()
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(names)
    assert all(name.isalnum() for name in names), names
    for reference in _references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [each for item in node for each in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [each for item in node.values() for each in _references(item)]
