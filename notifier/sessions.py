"""A socket as the hub knows it: what it watches, and what it was sent. Pure."""

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from notifier import messages
from notifier.frames import text_frame
from notifier.limits import Bucket
from notifier.streams import NOTHING, Stream
from notifier.watchers import Around, Me, Watcher


class Outlet(Protocol):
    """The connection under a socket; another transport needs no more than this."""

    def write(self, data: bytes) -> None:
        """Send bytes that are whole frames."""

    def buffered(self) -> int:
        """Bytes that the kernel has not taken yet."""

    def close(self, code: int, reason: str) -> None:
        """End the socket."""


class Nowhere:
    """In the place of a connection that has ended: what still holds the session does not hold that."""

    def write(self, data: bytes) -> None:
        """Nobody takes it."""

    def buffered(self) -> int:
        """Nothing."""
        return 0

    def close(self, code: int, reason: str) -> None:
        """It is."""


NOWHERE = Nowhere()


@dataclass(eq=False, slots=True)
class Top:
    """A channel with the first rows of a board."""

    stream: Stream
    at: int = NOTHING
    """The sequence of the state that the socket has."""
    off: str | None = None
    """The label that the client came with, while its request is not answered."""
    asked: int | None = None
    """The number of a request that is not answered yet."""
    due: bool = False
    """Whether the request can be answered."""

    @property
    def channel(self) -> str:
        """Its name on the wire."""
        return self.stream.channel

    def ask(self, number: int, off: str | None) -> bool:
        """A request to watch, from a label on; whether it can be answered without reading the board anew.

        Another node may be ahead of this one: where this one does not know a label, what it has may be from before it.
        """
        self.asked, self.off = number, off
        self.due = self.stream.label != "" and (off is None or self.stream.find(off) is not None)
        return self.due

    def ready(self) -> bool:
        """Whether there is something to send."""
        return self.due if self.asked is not None else self.at != self.stream.sequence

    def take(self) -> list[bytes]:
        """What to send; it counts as sent."""
        lines: list[bytes] = []
        if not self.ready():
            return lines
        if self.asked is not None:
            at = self.stream.find(self.off) if self.off is not None else None
            self.at = at if at is not None else NOTHING
            lines.append(messages.ok_top(self.asked, self.channel, self.stream.size, at is not None))
            self.asked, self.off, self.due = None, None, False
        if self.at != self.stream.sequence:
            lines.append(self.stream.since(self.at))
            self.at = self.stream.sequence
        return lines


Channel: TypeAlias = Top | Me | Around


@dataclass(eq=False, slots=True)
class Session:
    """A socket: of lb.v1, or, with a watcher, of `/ws/leaderboard/{user_id}`."""

    outlet: Outlet
    limit: Bucket
    """Of what it may send."""
    watcher: Watcher | None = None
    channels: dict[str, Channel] = field(default_factory=dict)
    number: int = 0
    """Names it in logs."""
    greeted: bool = False
    closed: bool = False
    """Nothing is sent any more."""
    ended: bool = False
    asked: bool = False
    """Whether it was asked if it is there; `awaited`: and it has not been heard of since."""
    awaited: bool = False
    lagging: float = 0.0
    """Since when it does not take what it is sent; 0: it does."""
    personal: float = 0.0
    """Until when its share of messages of `me` and `around` is used up."""

    def close(self, code: int, reason: str) -> None:
        """End it; nothing is sent any more."""
        self.closed = True
        self.outlet.close(code, reason)

    def take(self) -> bytes | None:
        """Frames with everything that there is to send; it counts as sent."""
        if self.watcher is not None:
            frames = b"".join(text_frame(messages.update(*event)) for event in iter(self.watcher.take, None))
            return frames or None
        lines: list[bytes] = []
        for channel in self.channels.values():
            if isinstance(channel, Top):
                lines += channel.take()
            elif (line := channel.take()) is not None:
                lines.append(line)
        return text_frame(b"\n".join(lines)) if lines else None

    def take_personal(self) -> bytes | None:
        """The same without the streams, which have a pace of their own."""
        if self.watcher is not None:
            return self.take()
        news = (each.take() for each in self.channels.values() if not isinstance(each, Top))
        lines = [line for line in news if line is not None]
        return text_frame(b"\n".join(lines)) if lines else None

    def own_news(self) -> bool:
        """Whether there is something to send of a player whose own score is another one now."""
        return any(isinstance(each, Me) and each.is_own() for each in self.channels.values())

    def news_clock(self) -> int | None:
        """The log's clock of the newest change that is to be sent of players; None: there is none."""
        players = (each for each in self.channels.values() if not isinstance(each, Top))
        clocks = [each.news.clock for each in players if each.news is not None and each.sent is not None]
        return max(clocks, default=None)

    def labels(self) -> dict[str, str]:
        """For each stream that it has a state of, the label of that."""
        tops = (each for each in self.channels.values() if isinstance(each, Top))
        return {
            each.channel: each.stream.label for each in tops if each.at == each.stream.sequence and each.stream.label
        }
