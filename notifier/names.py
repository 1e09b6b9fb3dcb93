"""Display names, kept for as long as none of all has changed."""

from collections.abc import Set

from shared.ranks import Names, Ranks
from shared.standings import Standings

MOST = 20_000
"""Kept at once."""


class NameBook:
    """The names of those whose rows are watched."""

    def __init__(self, ranks: Ranks, standings: Standings) -> None:
        self._ranks = ranks
        self._standings = standings
        self._version = ""
        self._kept: dict[str, str | None] = {}

    def is_old(self, names: Names | None) -> bool:
        """Whether names may have changed since the last ones were read; `names`: as they are now."""
        return bool(self._kept) and (names is None or names.version != self._version)

    async def of(self, player_ids: Set[str], names: Names | None) -> dict[str, str]:
        """The names of those who have one; `names`: as their version was before. Raises StandingsUnavailable."""
        if names is None or names.version != self._version or len(self._kept) > MOST:
            self._kept.clear()
            self._version = names.version if names is not None else ""
        missing = sorted(player_ids - self._kept.keys())
        if missing:
            found = await self._ranks.names(missing) if names is not None else None
            of = found.of if found is not None else await self._standings.names(missing)
            self._kept |= {player_id: of.get(player_id) for player_id in missing}
        return {player_id: name for player_id in player_ids if (name := self._kept[player_id]) is not None}
