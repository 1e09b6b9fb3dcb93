"""Answering from Redis, else from Postgres: the same rows, with the position that they are of."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from shared.boards import Board
from shared.clock import now
from shared.positions import InvalidPosition, Position, parse_position
from shared.problems import Problem, invalid, unavailable
from shared.questions import Answer, Asked, Places, Question
from shared.ranks import Ranks
from shared.seasons import Season, is_over
from shared.standings import Standings, StandingsUnavailable

POLL = 0.01
"""Seconds between looks at a position that is waited for."""


class Positioned(Protocol):
    """An answer that says which position of the log it is of."""

    @property
    def position(self) -> Position: ...


T = TypeVar("T")
P = TypeVar("P", bound=Positioned)


class Everywhere(NamedTuple):
    """Where a player is ranked: the boards, each with an answer of its own position."""

    position: Position
    """Contained in all of them, and in what says that the player is on no other board."""
    answers: list[tuple[Asked, Answer]]


@dataclass(frozen=True, slots=True)
class Reading:
    """The two read models of ranks, in the order in which they are asked."""

    ranks: Ranks
    standings: Standings
    incarnation: str
    wait_ms: int
    keep_ms: int
    """For how long after its end a season is read from Redis."""

    async def ask(
        self, board: Board, season: Season, questions: Sequence[Question], token: str | None = None
    ) -> Answer:
        """Answers of one instant, at a position that contains `token`'s. Raises Problem (409, 422, 503)."""

        async def ask() -> Answer:
            answer = None if self.is_archived(season) else await self.ranks.ask(board, season.name, questions)
            return answer if answer is not None else await _answered(self.standings.ask(board, season.name, questions))

        return await self._containing(token, ask)

    async def everywhere(
        self, player_id: str, seasons: Sequence[tuple[Board, Season]], token: str | None = None
    ) -> Everywhere:
        """Where a player stands on those of these seasons of boards that have them. Raises Problem (409, 422, 503)."""
        asked = [Asked(board, season.name, [Places([player_id])]) for board, season in seasons]

        async def ask() -> Everywhere:
            found = zip(seasons, await self.ranks.ask_each(asked), strict=True)
            answers = dict(enumerate(None if self.is_archived(season) else answer for (_, season), answer in found))
            unknown = [number for number, answer in answers.items() if answer is None]
            positions = []
            if unknown or not asked:
                position, on = await _answered(self.standings.boards_of(player_id))
                positions.append(position)
                here = [number for number in unknown if (asked[number].board.board_id, asked[number].season) in on]
                if here:
                    counted = await _answered(self.standings.ask_each([asked[number] for number in here]))
                    answers |= zip(here, counted, strict=True)
            given = [(each, answer) for each, answer in zip(asked, answers.values(), strict=True) if answer is not None]
            positions += [answer.position for _, answer in given]
            return Everywhere(_least(positions), [(each, answer) for each, answer in given if answer.parts[0].rows])

        return await self._containing(token, ask)

    async def names(self, player_ids: Sequence[str]) -> dict[str, str]:
        """The display names of those who have one; none when neither store answers: a name is no rank."""
        if not player_ids:
            return {}
        names = await self.ranks.names(player_ids)
        if names is not None:
            return names.of
        try:
            return await self.standings.names(player_ids)
        except StandingsUnavailable:
            return {}

    async def _containing(self, token: str | None, ask: Callable[[], Awaitable[P]]) -> P:
        """Ask until the answer itself says that it contains the position, whichever store gave it."""
        if token is None:
            return await ask()
        wanted = self._parse(token)
        deadline = time.monotonic() + self.wait_ms / 1000
        while not (answer := await ask()).position.covers(wanted):
            if time.monotonic() >= deadline:
                raise Problem(
                    409,
                    "position-not-reached",
                    f"the read models are at {answer.position} and did not reach {wanted} within {self.wait_ms} ms",
                    headers={"Retry-After": "1", "X-Position": str(answer.position)},
                    position=str(answer.position),
                )
            await asyncio.sleep(POLL)
        return answer

    async def position(self) -> Position:
        """How far the read models are: Redis if it can say, else Postgres. Raises Problem (503)."""
        applied = await self.ranks.applied()
        return applied if applied is not None else await _answered(self.standings.position())

    def is_archived(self, season: Season) -> bool:
        """Whether a season ended too long ago to be read from Redis."""
        return is_over(season, now() - self.keep_ms)

    def _parse(self, token: str) -> Position:
        try:
            wanted = parse_position(token)
        except InvalidPosition as error:
            raise invalid("X-Min-Position", token, f"a position as answers carry it: {error}") from error
        if wanted.incarnation != self.incarnation:
            raise Problem(
                409,
                "position-of-another-log",
                f"the position names log {wanted.incarnation}, this one is {self.incarnation}: drop it and read again",
            )
        return wanted


def _least(positions: Iterable[Position]) -> Position:
    """The position that each of these contains."""
    first, *rest = positions
    partitions = first.offsets.keys()
    offsets = {each: min(position.offsets.get(each, 0) for position in (first, *rest)) for each in partitions}
    return Position(first.incarnation, offsets)


async def _answered(question: Awaitable[T]) -> T:
    """What Postgres answers. Raises Problem (503) when it cannot."""
    try:
        return await question
    except StandingsUnavailable as error:
        raise unavailable(f"neither Redis nor Postgres can answer now: {error}") from error
