"""What a run came to, for people and for the exit code."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.checker import Findings
from tests.chaos.ledger import Try

SHOWN = 20
"""Violations that are printed; all are in the folder."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run."""

    title: str
    folder: Path
    findings: Findings
    tries: Counter[str]
    reads: Counter[str]
    kills: Counter[str]
    faults: int
    cuts: int
    """Connections of projectors that were cut at a COMMIT that took place."""
    exits: list[str]
    longest_gap: float
    verdict: str
    """The last line of `leaderboard verify`."""
    unsettled: list[str]
    """What did not come to rest in time after the faults had ended."""
    given_up: int

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings.violations and self.verdict == "equal" and not self.unsettled

    def lines(self) -> list[str]:
        """The report, for people."""
        found = self.findings
        shown = [f"VIOLATION {str(each)[:1_000]}" for each in found.violations[:SHOWN]]
        kinds = Counter(f"{each.invariant} {each.what}" for each in found.violations)
        return [
            self.title,
            f"submissions acknowledged {found.acknowledged}; tries: {_counts(self.tries)}; given up {self.given_up}",
            f"rulings acknowledged {found.rulings}; seasons closed {found.seasons}",
            f"lost {found.lost}, doubled {found.doubled}",
            f"faults {self.faults}; cuts at COMMIT {self.cuts}",
            f"kills {sum(self.kills.values())}: {_counts(self.kills)}",
            f"ends that were no kill: {len(self.exits)}",
            *(f"    {each}" for each in self.exits[:SHOWN]),
            f"answers checked {found.answers}, wrong {found.wrong}; reads: {_counts(self.reads)}",
            f"socket events in their chains {found.events}",
            f"longest time without an applied event {self.longest_gap:.1f} s",
            f"verify: {self.verdict}",
            *(f"NOT AT REST {each}" for each in self.unsettled),
            *(f"VIOLATED {count} x {kind}" for kind, count in kinds.items()),
            *shown,
            f"files: {self.folder}",
            "KEPT every promise" if self.kept else "BROKEN",
        ]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"


def tries_of(ledger: list[Try]) -> Counter[str]:
    """Tries by what was said to them."""
    return Counter(f"{each.verdict} ({each.status or 'no answer'})" for each in ledger)
