"""From a command to the log, and from the log to its outcome."""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from command_api.domain import SubmitScore, decide
from command_api.outcomes import Outcome, Outcomes
from shared.catalogue import Catalogue
from shared.events import Event, Fact, encode, wrap
from shared.identity import event_id_of, new_id
from shared.log import Appended, Appender
from shared.positions import Position
from shared.settings import CommandSettings
from shared.topics import TopicName

SOURCE = "urn:leaderboard:command-api"


class Accepted(NamedTuple):
    """What is known of a command that is in the log; `outcome` is None when nobody could wait for it."""

    event_id: str
    partition: int
    offset: int
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Submitting:
    """Appends commands as facts and waits for what the fold makes of them."""

    appender: Appender
    outcomes: Outcomes
    catalogue: Catalogue
    incarnation: str
    settings: CommandSettings

    async def submit(self, command: SubmitScore, key: str, *, wait: bool, traceparent: str | None) -> Accepted:
        """Submit a score under an idempotency key. Raises Refused, LogBusy, LogUnavailable."""
        fact = decide(command, self.catalogue, registered_only=self.settings.registration == "required")
        return await self.append("events", command.player_id, fact, key, wait=wait, traceparent=traceparent)

    async def append(
        self, topic: TopicName, player_id: str, fact: Fact, key: str, *, wait: bool, traceparent: str | None = None
    ) -> Accepted:
        """Append a fact about a player. With `wait`, its outcome, if it comes within `wait_ms`."""
        event = wrap(
            fact,
            event_id=event_id_of(player_id, key),
            subject=player_id,
            source=SOURCE,
            actor=f"player:{player_id}",
            attempt=new_id(),
            catalogue=self.catalogue.newest,
            traceparent=traceparent,
        )
        if not wait or self.outcomes.late or self.outcomes.full:
            appended = await self._append(topic, player_id, event)
            return Accepted(event.id, appended.partition, appended.offset, None)
        return await self._append_and_wait(topic, player_id, event)

    def position(self, partition: int, offset: int) -> Position:
        """The position that contains one record of the events topic."""
        return Position(self.incarnation, {partition: offset + 1})

    async def _append(self, topic: TopicName, player_id: str, event: Event) -> Appended:
        timeout = self.settings.append_timeout_ms / 1000
        return await self.appender.append(topic, player_id.encode(), encode(event), timeout=timeout)

    async def _append_and_wait(self, topic: TopicName, player_id: str, event: Event) -> Accepted:
        """Wait for the outcome, which implies the acknowledgement; a failed append ends the wait."""
        assert event.attempt is not None
        expected = self.outcomes.expect(event.attempt)
        appending = asyncio.ensure_future(self._append(topic, player_id, event))
        appending.add_done_callback(lambda done: _end_wait(done, expected))
        try:
            outcome = await asyncio.wait_for(expected, self.settings.wait_ms / 1000)
        except TimeoutError:
            self.outcomes.forget(event.attempt, late=appending.done())
            appended = await appending
            return Accepted(event.id, appended.partition, appended.offset, None)
        except BaseException:
            self.outcomes.forget(event.attempt)
            raise
        return Accepted(event.id, outcome.line.partition, outcome.line.offset, outcome)


def _end_wait(appending: "asyncio.Future[Appended]", expected: "asyncio.Future[Outcome]") -> None:
    if appending.cancelled():
        return
    error = appending.exception()
    if error is not None and not expected.done():
        expected.set_exception(error)
