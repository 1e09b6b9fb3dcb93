"""From a command to the log, and from the log to its outcome."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from command_api.domain import SubmitScore, attributes_asked, decide
from command_api.outcomes import Outcome, Outcomes
from command_api.profiles import is_erased, read_attributes
from shared.appender import Appended, Appender, Delivery, acknowledgement
from shared.catalogue import Catalogue
from shared.catalogue_log import LiveCatalogue
from shared.events import Event, Fact, PlayerProfileSet, ScoreSubmitted, encode, wrap
from shared.identity import event_id_of, new_id
from shared.log import LogUnavailable
from shared.positions import Position
from shared.postgres import Pool
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
    catalogue: LiveCatalogue
    pool: Pool
    incarnation: str
    settings: CommandSettings

    async def submit(self, command: SubmitScore, key: str, *, wait: bool, traceparent: str | None) -> Accepted:
        """Submit a score under an idempotency key. Raises Refused, ProfilesUnavailable, LogBusy, LogUnavailable."""
        catalogue = self.catalogue.now
        fact = self.decide(command, catalogue)
        asked = attributes_asked(catalogue, command.game_mode)
        if asked:
            known = await read_attributes(self.pool, [command.player_id], self.append_timeout)
            fact = stamped(fact, asked, known)
        event = self.event(fact, command.player_id, key, catalogue=catalogue, traceparent=traceparent)
        return await self.send("events", event, wait=wait)

    async def append(
        self, topic: TopicName, subject: str, fact: Fact, key: str, *, wait: bool, actor: str | None = None
    ) -> Accepted:
        """Append a fact about a player. With `wait`, its outcome, if it comes within `wait_ms`.

        `actor`: the player when None. Raises LogBusy, LogUnavailable.
        """
        event = self.event(fact, subject, key, catalogue=self.catalogue.now, actor=actor)
        return await self.send(topic, event, wait=wait)

    def event(
        self,
        fact: Fact,
        subject: str,
        key: str,
        *,
        catalogue: Catalogue,
        actor: str | None = None,
        traceparent: str | None = None,
    ) -> Event:
        """A fact in its envelope: one attempt of the command with this key."""
        return wrap(
            fact,
            event_id=event_id_of(subject, key),
            subject=subject,
            source=SOURCE,
            actor=actor or f"player:{subject}",
            attempt=new_id(),
            catalogue=catalogue.newest,
            traceparent=traceparent,
        )

    async def send(self, topic: TopicName, event: Event, *, wait: bool) -> Accepted:
        """Append an event. With `wait`, its outcome, if it comes within `wait_ms`. Raises LogBusy, LogUnavailable."""
        if not wait or self.outcomes.late or self.outcomes.full:
            appended = await self.put(topic, event)
            return Accepted(event.id, appended.partition, appended.offset, None)
        return await self._put_and_wait(topic, event)

    async def put(self, topic: TopicName, event: Event) -> Appended:
        """Append an event, keyed by its subject. Raises LogBusy, LogUnavailable."""
        return await self.appender.append(topic, event.subject.encode(), encode(event), timeout=self.append_timeout)

    async def begin(self, topic: TopicName, event: Event) -> Delivery:
        """Hand an event over to be appended, keyed by its subject. Raises LogBusy, LogUnavailable."""
        return await self.appender.begin(topic, event.subject.encode(), encode(event), timeout=self.append_timeout)

    async def set_profile(self, profile: PlayerProfileSet, key: str, *, wait: bool) -> Accepted | None:
        """Append a profile; None for a player who was erased. Raises ProfilesUnavailable, LogBusy, LogUnavailable."""
        if await is_erased(self.pool, profile.player_id, self.append_timeout):
            return None
        return await self.append("players", profile.player_id, profile, key, wait=wait)

    async def forget_profile(self, player_id: str) -> None:
        """Put a tombstone in the place of a player's profile. Raises LogBusy, LogUnavailable."""
        await self.appender.append("players", player_id.encode(), None, timeout=self.append_timeout)

    def position(self, partition: int, offset: int) -> Position:
        """The position that contains one record of the events topic."""
        return Position(self.incarnation, {partition: offset + 1})

    @property
    def append_timeout(self) -> float:
        """Seconds."""
        return self.settings.append_timeout_ms / 1000

    def decide(self, command: SubmitScore, catalogue: Catalogue) -> ScoreSubmitted:
        """The fact that a submission becomes, without what only the profile knows. Raises Refused."""
        return decide(command, catalogue, registered_only=self.settings.registration == "required")

    async def _put_and_wait(self, topic: TopicName, event: Event) -> Accepted:
        """Wait for the outcome, which implies the acknowledgement; a failed append ends the wait."""
        attempt, began = attempt_of(event), time.monotonic()
        expected = self.outcomes.expect(attempt)
        late = False
        try:
            delivery = await self.begin(topic, event)
            outcome = await self._outcome(delivery, expected)
            late = outcome is None and delivery.batch.done()
        finally:
            self.outcomes.forget(attempt, late=late)
        if outcome is None:
            left = began + self.append_timeout - time.monotonic()
            appended = await self.appender.acknowledged(delivery, max(0.0, left))
            return Accepted(event.id, appended.partition, appended.offset, None)
        return Accepted(event.id, outcome.line.partition, outcome.line.offset, outcome)

    async def _outcome(self, delivery: Delivery, expected: "asyncio.Future[Outcome]") -> Outcome | None:
        """What comes within `wait_ms`. Raises LogUnavailable when the append fails.

        A timer of the loop: `asyncio.wait` and `asyncio.timeout` cost several times as much.
        """
        delivery.batch.add_done_callback(lambda _: _end_wait(delivery, expected))
        timer = asyncio.get_running_loop().call_later(self.settings.wait_ms / 1000, _give_up, expected)
        try:
            return await expected
        except TimeoutError:
            return None
        finally:
            timer.cancel()


def attempt_of(event: Event) -> str:
    """The id of the request that an event belongs to, whose outcome it waits for."""
    assert event.attempt is not None
    return event.attempt


def stamped(fact: ScoreSubmitted, asked: Sequence[str], known: Mapping[str, dict[str, str]]) -> ScoreSubmitted:
    """The fact with the attributes that are asked for, as far as the profile has them."""
    profile = known.get(fact.player_id, {})
    return fact.model_copy(update={"attributes": {key: profile[key] for key in asked if key in profile}})


def _end_wait(delivery: Delivery, expected: "asyncio.Future[Outcome]") -> None:
    appended = acknowledgement(delivery)
    if isinstance(appended, LogUnavailable) and not expected.done():
        expected.set_exception(appended)


def _give_up(expected: "asyncio.Future[Outcome]") -> None:
    if not expected.done():
        expected.set_exception(TimeoutError())
