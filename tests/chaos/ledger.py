"""What clients were told about their submissions, and the referee about rulings: one line a try."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from shared.identity import event_id_of

PROBLEM = "urn:leaderboard:problem:"
RulingWord: TypeAlias = Literal["revoke", "restore", "ban", "reinstate", "erase"]
Verdict: TypeAlias = Literal["acknowledged", "refused", "unknown"]
"""200 or 202; 4xx; anything else, where the submission may or may not be in the log."""


@dataclass(frozen=True, slots=True)
class Try:
    """One request and what came of it. `sent` and `answered` are seconds since 1970."""

    player: str
    key: str
    mode: str
    score: int
    sent: float
    answered: float
    verdict: Verdict
    status: int | None = None
    """None when no answer came."""
    event_id: str | None = None
    position: str | None = None
    new_rank: int | None = None
    new_total: int | None = None
    replayed: bool = False
    error: str = ""

    @property
    def submission(self) -> tuple[str, str]:
        """Player and event id: what has to have one effect."""
        return self.player, event_id_of(self.player, self.key)

    @property
    def reason(self) -> str:
        """Why it was refused: the name of the problem."""
        return self.error.removeprefix(PROBLEM)


@dataclass(frozen=True, slots=True)
class Ruled:
    """One request of the referee and what came of it. `sent` and `answered` are seconds since 1970."""

    player: str
    key: str
    word: RulingWord
    target: str | None
    """The submission that it is about."""
    sent: float
    answered: float
    verdict: Verdict
    status: int | None = None
    event_id: str | None = None
    position: str | None = None
    error: str = ""

    @property
    def ruling(self) -> tuple[str, str]:
        """Player and event id: what has to have one effect."""
        return self.player, event_id_of(self.player, self.key)


def verdict_of(status: int | None) -> Verdict:
    """What an answer with this status says."""
    if status in (200, 202):
        return "acknowledged"
    return "refused" if status is not None and 400 <= status < 500 else "unknown"


def longest_gap(tries: Iterable[Try], began: float, ended: float) -> float:
    """The longest time, in seconds, in which no submission was answered as applied."""
    times = sorted(each.answered for each in tries if each.status == 200 and began <= each.answered <= ended)
    marks = [began, *times, ended]
    return max(after - before for before, after in pairwise(marks))
