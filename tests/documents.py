"""What a reader of the documents would do: the shell blocks in them, and the links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)")
NOT_RUN = re.compile(r"^<!-- not run: (.+) -->$")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")

WRITTEN = ("*.md", "[!.]*/README.md", "docs/*.md", "docs/*/*.md")
"""What people read, and not what lies in environments and packages."""


@dataclass(frozen=True)
class Block:
    """Lines for a shell, and why no test runs them, where none does."""

    line: int
    text: str
    reason: str | None


def shell_blocks(document: str) -> Iterator[Block]:
    """Those of ```sh, in their order; `<!-- not run: why -->` stands right above one that no test runs."""
    opened, kind, before, excuse = 0, "", "", None
    lines = document.splitlines()
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if fence and not opened:
            opened, kind = number, fence[1]
            excuse = NOT_RUN.match(before)
        elif fence:
            if kind == "sh":
                yield Block(opened + 1, "\n".join(lines[opened : number - 1]), excuse[1] if excuse else None)
            opened = 0
        before = line


def links(document: str) -> list[str]:
    """Those to files of ours, without what stands after #."""
    return [found for found in LINK.findall(document) if "://" not in found and not found.startswith("mailto:")]


def documents(root: Path) -> list[Path]:
    """All of them."""
    return sorted({found for pattern in WRITTEN for found in root.glob(pattern)})
