"""What Postgres knows of a player: who is called like that, submissions, and how a row of a board came about."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg

from shared.boards import Board
from shared.catalogue import Catalogue
from shared.postgres import DOWN, Pool
from shared.problems import unavailable
from shared.seasons import season_at

LOOKED_AT = 1_000
"""Players whom a search looks at for those with rows: there may be any number without, as after bans."""
RANKED = "exists (select from leaderboard_entries e where e.player_id = looked.player_id and e.value is not null)"
SEARCH = f"""
select player_id, username from (
    select p.player_id from unnest($1::text[]) v(prefix) cross join lateral (
        select player_id from (
            select player_id from players where player_id >= v.prefix and player_id < v.prefix || '~'
            order by player_id limit $4
        ) looked where {RANKED}
        limit $3
    ) p
    union
    select player_id from (
        select player_id from (
            select player_id, lower(username) collate "C" as called from profiles where username is not null
                and lower(username) collate "C" >= lower($2) and lower(username) collate "C" < lower($2) || chr(1114111)
            order by lower(username) collate "C" limit $4
        ) looked where {RANKED}
        order by called limit $3
    ) p
) found left join profiles using (player_id)
order by lower($2) in (lower(player_id), lower(coalesce(username, player_id))) desc, player_id limit $3
"""  # noqa: S608 - of constants
SUBMISSIONS = """
select event_id::text, "offset", clock, game_mode, score, outcome, reason, revoked, catalogue
from game_sessions where player_id = $1 and "offset" < $2 order by "offset" desc limit $3
"""
CREDITED = """
select "offset", board_id from unnest($2::bigint[], $3::text[], $4::text[]) k("offset", board_id, season)
join entry_history h using (board_id, season, "offset") where h.player_id = $1 and h.value is not null
"""
HISTORY = """
select "offset", clock, value from entry_history
where board_id = $1 and season = $2 and player_id = $3 order by "offset" desc limit $4
"""
MADE_BY = 'select "offset", event_id::text from game_sessions where player_id = $1 and "offset" = any($2::bigint[])'


class Submission(NamedTuple):
    """A submission and what became of it."""

    event_id: str
    offset: int
    """Where it lies in the partition of its player."""
    clock: int
    game_mode: str
    score: int
    outcome: str
    reason: str | None
    revoked: bool
    boards: list[str]
    """Those that it counted on when it came."""


class Point(NamedTuple):
    """A row of a board from a time on."""

    clock: int
    value: int | None
    """None: the row was gone."""
    event_id: str | None
    """The submission that made it so; None: a ruling did."""


async def find_players(pool: Pool, text: str, count: int) -> list[tuple[str, str]]:
    """Ids and display names of players with rows whose id or name begins like that. Raises Problem (503).

    Names are compared without regard to case. Ids are looked up as given, in small, in capitals and with a capital.
    """
    prefixes = list(dict.fromkeys((text, text.lower(), text.upper(), text.capitalize())))
    rows = await _fetch(pool, SEARCH, prefixes, text, count, LOOKED_AT)
    return [(row["player_id"], row["username"] or row["player_id"]) for row in rows]


async def read_submissions(
    pool: Pool, catalogue: Catalogue, player_id: str, before: int, count: int
) -> list[Submission]:
    """The newest submissions before a place in the player's partition. Raises Problem (503).

    The key is by player and id: all of the player's sessions are read for it.
    """
    rows = await _fetch(pool, SUBMISSIONS, player_id, before, count)
    asked = [
        (row["offset"], board.board_id, season_at(board, row["clock"]).name)
        for row in rows
        if row["outcome"] == "applied"
        for board in catalogue.feeding(row["catalogue"], row["game_mode"])
    ]
    credited: dict[int, list[str]] = {row["offset"]: [] for row in rows}
    if asked:
        for found in await _fetch(pool, CREDITED, player_id, *map(list, zip(*asked, strict=True))):
            credited[found["offset"]].append(found["board_id"])
    return [_submission(row, sorted(credited[row["offset"]])) for row in rows]


async def read_history(pool: Pool, board: Board, season: str, player_id: str, count: int) -> list[Point]:
    """The newest changes of a player's row, oldest first. Raises Problem (503)."""
    rows = (await _fetch(pool, HISTORY, board.board_id, season, player_id, count))[::-1]
    if not rows:
        return []
    made = dict(map(tuple, await _fetch(pool, MADE_BY, player_id, [row["offset"] for row in rows])))
    return [Point(row["clock"], row["value"], made.get(row["offset"])) for row in rows]


def _submission(row: asyncpg.Record, boards: list[str]) -> Submission:
    fields = {name: row[name] for name in Submission._fields if name != "boards"}
    return Submission(**fields, boards=boards)


async def _fetch(pool: Pool, sql: str, *arguments: Any) -> Sequence[asyncpg.Record]:
    try:
        return await pool.fetch(sql, *arguments)
    except DOWN as error:
        raise unavailable(f"Postgres does not answer: {error!r}") from error
