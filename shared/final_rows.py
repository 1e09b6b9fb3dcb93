"""The rows of a season that is over, with their places written down: nothing is counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.questions import Key, Ranked, Slice
from shared.ranking import Standing
from shared.rows import Rows

FINAL = """
select r.kind, r.players from season_results r
where r.board_id = $1 and r.season = $2 and not exists (
    select from board_versions v where v.board_id = r.board_id and v.season = r.season
        and v.version >= coalesce((r.cut->>v.partition::text)::bigint, 0))
order by r.kind desc limit 1
"""
"""The result that nothing has been changed after: `corrected` before `closed`."""
STANDINGS = "season_standings s where s.board_id = $1 and s.season = $2 and s.kind = '{kind}'"
RANGE = """
select player_id, sort_value, reached_at, games_played, updated_at from {rows}
    and place >= $3::bigint and place < $3::bigint + $4::bigint order by place
"""
LOCATE = """
with at as (
    select coalesce((select place from {rows} and (sort_value, reached_at, player_id) >= ($3, $4, $5)
            order by sort_value, reached_at, player_id limit 1), $6::bigint) as place,
        coalesce((select place from {rows} and sort_value >= $3
            order by sort_value, reached_at, player_id limit 1), $6::bigint) as ahead
)
select at.place, at.ahead,
    coalesce((select better + 1 from {rows} and s.place = at.ahead - 1), 0) as better,
    (select sort_value from {rows} and s.place = at.place - 1) as last,
    (select sort_value from {rows} and s.place = at.ahead - 1) as last_better
from at
"""
MANY = """
select s.player_id, s.sort_value, s.reached_at, s.games_played, s.updated_at, s.place, s.better, first.place as ahead,
    before.sort_value as last, better.sort_value as last_better
from unnest($3::text[]) named(player_id)
join leaderboard_entries e on e.board_id = $1 and e.season = $2 and e.player_id = named.player_id
join season_standings s on s.board_id = $1 and s.season = $2 and s.kind = $4
    and (s.sort_value, s.reached_at, s.player_id) = (e.sort_value, e.reached_at, e.player_id)
cross join lateral (
    select f.place from season_standings f
    where f.board_id = $1 and f.season = $2 and f.kind = $4 and f.sort_value >= s.sort_value
    order by f.sort_value, f.reached_at, f.player_id limit 1) first
left join season_standings before
    on before.board_id = $1 and before.season = $2 and before.kind = $4 and before.place = s.place - 1
left join season_standings better
    on better.board_id = $1 and better.season = $2 and better.kind = $4 and better.place = first.place - 1
"""


@dataclass(frozen=True, slots=True)
class FinalRows(Rows):
    """The rows of a result that is up to date: the entries are the same."""

    kind: str
    players: int

    @property
    def source(self) -> str:
        """The written down rows, by the name `s`."""
        return STANDINGS.format(kind=self.kind)

    async def total(self) -> int:
        """How many there are."""
        return self.players

    async def places(self, player_ids: Sequence[str]) -> list[Ranked]:
        """Those of players, in the order in which they are named."""
        return self._named(player_ids, await self._rows(MANY, list(player_ids), self.kind))

    async def locate(self, key: Key) -> Slice:
        """What is before a key."""
        [row] = await self._rows(LOCATE, *key, self.players)
        return self._found(row, [])

    async def _from(self, first: int, count: int) -> list[Standing]:
        return await self._fetch(RANGE, first, count)
