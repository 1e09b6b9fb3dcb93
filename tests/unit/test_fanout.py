"""Who is told when: a player's own score at once, what others do at a pace; and how old that was."""

import time

from notifier.fanout import AGES, PERSONAL_BURST, PERSONAL_EVERY, Fanout
from notifier.hub import Hub
from notifier.watchers import Me, Place
from shared.clock import now
from shared.histogram import Histogram
from tests.unit.test_hub import Sink, session


class Screen:
    """A socket that watches one player."""

    def __init__(self) -> None:
        self.hub, self.session, self.me = Hub(), session(), Me("classic", "ann")
        self.fanout = Fanout(self.hub)
        self.session.channels[self.me.channel] = self.me

    def tell(self, rank: int, score: int) -> int:
        """How many messages have been sent after the player is seen there."""
        self.me.tell(Place("all", now(), rank, score, 9))
        self.hub.waiting[self.session] = None
        self.fanout.flush()
        assert isinstance(self.session.outlet, Sink)
        return len(self.session.outlet.written)


def test_what_others_do_waits_and_the_players_own_score_does_not() -> None:
    screen = Screen()
    assert screen.tell(9, 10) == 1
    overtaken = [screen.tell(rank, 10) for rank in range(8, 2, -1)][-1]
    assert overtaken == 1 or screen.session.personal - time.monotonic() > PERSONAL_EVERY / 2
    assert screen.tell(2, 20) == overtaken + 1
    assert b'"rank":2' in screen.session.outlet.written[-1]  # type: ignore[attr-defined] # a Sink


def test_a_flood_of_own_scores_keeps_the_pace_too() -> None:
    screen, began = Screen(), time.monotonic()
    sent = [screen.tell(1, score) for score in range(1, 200)]
    assert sent[:PERSONAL_BURST] == list(range(1, PERSONAL_BURST + 1))
    assert sent[-1] <= PERSONAL_BURST + (time.monotonic() - began) / PERSONAL_EVERY
    counted = sum(writes for _, writes in screen.fanout.personal_ages.counts())
    assert counted == sent[-1] - 1  # the first was no change


def test_ages_are_counted_up_to_and_with_their_bound() -> None:
    ages = Histogram(AGES)
    for age in (-3, 0, 5, 6, 10_000, 10_001):
        ages.add(age)
    ages.add(200, 7)
    found = dict(ages.counts())
    assert (found[5], found[10], found[250], found[10_000], found[None]) == (3, 1, 7, 1, 1)
    assert sum(found.values()) == 6 + 7
    assert list(found) == [*AGES, None]
