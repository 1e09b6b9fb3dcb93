"""The first rows of boards, kept as the bytes of their answers for as long as the versions in Redis are the same."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import orjson

from query_api.gathering import Gathering
from query_api.schemas import entry_fields
from shared.catalogue_log import LiveCatalogue
from shared.hot import Reply, json_reply
from shared.positions import Position
from shared.questions import Asked, Range
from shared.ranks import Names, Ranks, Seen

MOST_PAGES = 128
"""Kept at once; the largest has some 150 KB."""
MOST_AT_ONCE = 8
"""Pages a call, each of up to 1,000 rows."""


class Wanted(NamedTuple):
    """The first rows of a season of a board, as the answer for a game mode."""

    board_id: str
    season: str
    game_mode: str
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, and what it is of."""

    version: Position
    """Of the season of the board: while it is the same, so is every row."""
    names: str
    """The version of all display names, which may change without that of the board."""
    head: bytes
    """The body, up to the position."""
    position: Position
    reply: Reply

    def is_of(self, version: Position, names: str) -> bool:
        """Whether rows and names are still those of these versions."""
        return self.version == version and self.names == names

    def at(self, position: Position) -> "Page":
        """The same rows at a later position, which did not touch them."""
        if position == self.position:
            return self
        return replace(self, position=position, reply=_reply(self.head, position))


class Pages:
    """Pages of the first rows. `answered` of them needed only a look at the versions, but for `read`."""

    def __init__(self, ranks: Ranks, catalogue: LiveCatalogue) -> None:
        self._ranks = ranks
        self._catalogue = catalogue
        self._kept: OrderedDict[Wanted, Page] = OrderedDict()
        self._gathering = Gathering(self._look_up, MOST_AT_ONCE)
        self.answered = 0
        self.read = 0

    async def ask(self, wanted: Wanted) -> Page | None:
        """The page, not older than this call; None if Redis cannot say."""
        page = await self._gathering.ask(wanted)
        self.answered += page is not None
        return page

    async def _look_up(self, wanted: Sequence[Wanted]) -> dict[Wanted, Page] | None:
        """One look at the versions, and then the rows of those pages which are of others."""
        look = await self._ranks.look([self._asked(each, []) for each in wanted], [])
        if look is None or look.names is None:
            return None
        found: dict[Wanted, Page] = {}
        stale: list[Wanted] = []
        for each, seen in zip(wanted, look.boards, strict=True):
            if seen is None:
                continue
            kept = self._kept.get(each)
            if kept is not None and kept.is_of(seen.version, look.names.version):
                found[each] = kept.at(seen.answer.position)
            else:
                stale.append(each)
        if stale:
            found |= await self._read(stale)
        self._keep(found)
        return found

    async def _read(self, wanted: Sequence[Wanted]) -> dict[Wanted, Page]:
        look = await self._ranks.look([self._asked(each, [Range(0, each.limit)]) for each in wanted], [])
        if look is None:
            return {}
        rows = {each: seen for each, seen in zip(wanted, look.boards, strict=True) if seen is not None}
        names = await self._ranks.names(list(_players(rows.values())))
        if names is None:
            return {}
        self.read += len(rows)
        return {each: _page(each, seen, names) for each, seen in rows.items()}

    def _asked(self, wanted: Wanted, questions: list[Range]) -> Asked:
        return Asked(self._catalogue.now.present()[wanted.board_id].board, wanted.season, questions)

    def _keep(self, pages: dict[Wanted, Page]) -> None:
        for each, page in pages.items():
            self._kept[each] = page
            self._kept.move_to_end(each)
        while len(self._kept) > MOST_PAGES:
            self._kept.popitem(last=False)


def _players(seen: Iterable[Seen]) -> dict[str, None]:
    return dict.fromkeys(row.standing.player_id for each in seen for row in each.answer.parts[0].rows)


def _page(wanted: Wanted, seen: Seen, names: Names) -> Page:
    position, total, [part] = seen.answer
    body = {
        "entries": [entry_fields(row, names.of) for row in part.rows],
        "total_players": total,
        "game_mode": wanted.game_mode,
        "season": wanted.season,
    }
    head = orjson.dumps(body)[:-1] + b',"position":"'
    return Page(seen.version, names.version, head, position, _reply(head, position))


def _reply(head: bytes, position: Position) -> Reply:
    token = str(position)
    return json_reply(b'%b%b"}' % (head, token.encode()), token)
