"""The documents lead somewhere."""

from pathlib import Path

import pytest

from tests.documents import documents, links, shell_blocks

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("document", documents(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    missing = [link for link in links(document.read_text()) if not (document.parent / link).exists()]
    assert not missing


def test_every_document_is_reached_from_the_readme() -> None:
    waiting, found = [ROOT / "README.md"], set[Path]()
    while waiting:
        document = waiting.pop().resolve()
        if document in found or document.suffix != ".md":
            continue
        found.add(document)
        waiting += [document.parent / link for link in links(document.read_text())]
    # The records of decisions are a folder, and a link to it is enough.
    assert not [each for each in documents(ROOT) if each not in found and each.parent.name != "adr"]


def test_blocks_are_found_with_their_lines_and_reasons() -> None:
    text = "a\n```sh\none\ntwo\n```\n```json\n{}\n```\n<!-- not run: it never ends -->\n```sh\nthree\n```\n"
    first, second = shell_blocks(text)
    assert (first.line, first.text, first.reason) == (3, "one\ntwo", None)
    assert (second.text, second.reason) == ("three", "it never ends")
