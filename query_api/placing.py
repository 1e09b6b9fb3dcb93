"""Where players stand, looked up for many requests in one round trip to Redis."""

from collections.abc import Sequence
from typing import NamedTuple

from query_api.gathering import Gathering
from shared.catalogue_log import LiveCatalogue
from shared.positions import Position
from shared.questions import Asked, Places, Ranked
from shared.ranks import Ranks

MOST_PLACES = 256
"""Players a call: 1 to 2 ms, for which Redis serves nobody else."""


class Wanted(NamedTuple):
    """A player in a season of a board."""

    board_id: str
    season: str
    player_id: str


class Placed(NamedTuple):
    """Where a player stands, with what is true of everyone of the same call."""

    row: Ranked
    names: dict[str, str]
    total: int
    position: Position
    token: str
    """The position, as text."""


class Placing:
    """Look-ups of players in Redis."""

    def __init__(self, ranks: Ranks, catalogue: LiveCatalogue) -> None:
        self._ranks = ranks
        self._catalogue = catalogue
        self._gathering = Gathering(self._look_up, MOST_PLACES)

    async def ask(self, wanted: Wanted) -> Placed | None:
        """Where a player stands; None if Redis cannot say, or the player is not ranked."""
        return await self._gathering.ask(wanted)

    async def _look_up(self, wanted: Sequence[Wanted]) -> dict[Wanted, Placed] | None:
        players: dict[tuple[str, str], list[str]] = {}
        for each in wanted:
            players.setdefault((each.board_id, each.season), []).append(each.player_id)
        boards = self._catalogue.now.present()
        asked = [Asked(boards[board_id].board, season, [Places(ids)]) for (board_id, season), ids in players.items()]
        look = await self._ranks.look(asked, [each.player_id for each in wanted])
        if look is None or look.names is None:
            return None
        found: dict[Wanted, Placed] = {}
        for (board_id, season), seen in zip(players, look.boards, strict=True):
            if seen is None:
                continue
            position, total, [part] = seen.answer
            token = str(position)
            for row in part.rows:
                at = Wanted(board_id, season, row.standing.player_id)
                found[at] = Placed(row, look.names.of, total, position, token)
        return found
