"""Many submissions at once: one bad one does not harm the others."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeAlias

from command_api.domain import Refused, SubmitScore, attributes_asked
from command_api.outcomes import Outcome
from command_api.profiles import ProfilesUnavailable, read_attributes
from command_api.submitting import Accepted, Submitting, attempt_of, stamped
from shared.appender import Appended, Delivery, LogBusy, acknowledgement
from shared.events import Event
from shared.log import LogUnavailable

SLICE = 250
"""Records that are appended at a time: a quarter of what may be in flight, so that others get through."""

NotMade: TypeAlias = Refused | ProfilesUnavailable
NotSent: TypeAlias = LogBusy | LogUnavailable


async def submit_all(
    submitting: Submitting, commands: Sequence[tuple[SubmitScore, str]], *, wait: bool, traceparent: str | None
) -> list[Accepted | NotMade | NotSent]:
    """Submit scores, each with its idempotency key, in their order; what became of each."""
    made = await _events(submitting, commands, traceparent)
    sent = iter(await _send(submitting, [each for each in made if not isinstance(each, Exception)], wait=wait))
    return [each if isinstance(each, Exception) else next(sent) for each in made]


async def _events(
    submitting: Submitting, commands: Sequence[tuple[SubmitScore, str]], traceparent: str | None
) -> list[Event | NotMade]:
    """The events, all decided by one catalogue; the profiles that they take are read at once."""
    catalogue = submitting.catalogue.now
    asked = {mode: attributes_asked(catalogue, mode) for mode in {command.game_mode for command, _ in commands}}
    known = await _known(submitting, {command.player_id for command, _ in commands if asked[command.game_mode]})
    made: list[Event | NotMade] = []
    for number, (command, key) in enumerate(commands):
        if number % SLICE == 0:
            await asyncio.sleep(0)  # a large batch must not hold up the submissions of others
        try:
            fact = submitting.decide(command, catalogue)
            if asked[command.game_mode]:
                if isinstance(known, ProfilesUnavailable):
                    raise known
                fact = stamped(fact, asked[command.game_mode], known)
        except (Refused, ProfilesUnavailable) as error:
            made.append(error)
        else:
            made.append(submitting.event(fact, command.player_id, key, catalogue=catalogue, traceparent=traceparent))
    return made


async def _known(submitting: Submitting, player_ids: set[str]) -> dict[str, dict[str, str]] | ProfilesUnavailable:
    if not player_ids:
        return {}
    try:
        return await read_attributes(submitting.pool, sorted(player_ids), submitting.append_timeout)
    except ProfilesUnavailable as error:
        return error


async def _send(submitting: Submitting, events: Sequence[Event], *, wait: bool) -> list[Accepted | NotSent]:
    """Append events, then wait for the outcomes of those that were, all within one `wait_ms`."""
    outcomes = submitting.outcomes
    waits = wait and not outcomes.late and not outcomes.full
    waiting = {attempt: outcomes.expect(attempt) for attempt in map(attempt_of, events)} if waits else {}
    try:
        appended = [each async for each in _append(submitting, events)]
        there = (attempt_of(event) for event, each in zip(events, appended, strict=True) if isinstance(each, Appended))
        pending = {attempt: waiting[attempt] for attempt in there if attempt in waiting}
        if pending:
            await asyncio.wait(pending.values(), timeout=submitting.settings.wait_ms / 1000)
        for attempt, future in pending.items():
            outcomes.forget(attempt, late=not future.done())
    finally:
        for attempt in waiting:
            outcomes.forget(attempt)
    return [_accepted(event, each, waiting) for event, each in zip(events, appended, strict=True)]


async def _append(submitting: Submitting, events: Sequence[Event]) -> AsyncIterator[Appended | NotSent]:
    """Append a slice at a time. After one that the log did not answer, the slices behind it are not tried."""
    down: LogUnavailable | None = None
    for start in range(0, len(events), SLICE):
        part = events[start : start + SLICE]
        for each in [down] * len(part) if down else await _append_slice(submitting, part):
            down = each if isinstance(each, LogUnavailable) else down
            yield each


async def _append_slice(submitting: Submitting, events: Sequence[Event]) -> list[Appended | NotSent]:
    """Hand records over in their order, without waiting for each, then wait for all of them at once."""
    until = time.monotonic() + submitting.append_timeout
    begun: list[Delivery | NotSent] = []
    for event in events:
        last = begun[-1] if begun else None
        begun.append(last if isinstance(last, LogUnavailable) else await _try_begin(submitting, event))
    batches = {each.batch for each in begun if not isinstance(each, Exception)}
    if batches:
        await asyncio.wait(batches, timeout=max(0.0, until - time.monotonic()))
    return [each if isinstance(each, Exception) else acknowledgement(each) for each in begun]


async def _try_begin(submitting: Submitting, event: Event) -> Delivery | NotSent:
    try:
        return await submitting.begin("events", event)
    except (LogBusy, LogUnavailable) as error:
        return error


def _accepted(
    event: Event, appended: Appended | NotSent, waiting: "Mapping[str, asyncio.Future[Outcome]]"
) -> Accepted | NotSent:
    if not isinstance(appended, Appended):
        return appended
    future = waiting.get(attempt_of(event))
    if future is None or not future.done():
        return Accepted(event.id, appended.partition, appended.offset, None)
    outcome = future.result()
    return Accepted(event.id, outcome.line.partition, outcome.line.offset, outcome)
