"""Reading from the tables what the fold needs to know of players."""

from collections.abc import Sequence

import asyncpg

from shared.fold.state import Entry, EntryKey, Player, Ruling, Session, SessionKey, State
from shared.postgres import Connection
from shared.ranking import Standing

PLAYERS = """
select player_id, partition, "offset", registered_at, banned, erased from players where player_id = any($1::text[])
"""
SESSION = """
s.player_id, s.event_id::text as event_id, s.partition, s."offset", s.clock, s.game_mode, s.score, s.metadata,
    s.payload_hash, s.outcome, s.reason, s.actor, s.attributes, s.catalogue, s.revoked
"""
SESSIONS = f"""
select {SESSION}
from unnest($1::text[], $2::uuid[]) k(player_id, event_id) join game_sessions s using (player_id, event_id)
"""  # noqa: S608 - of constants, as below
SESSIONS_OF = f"select {SESSION} from game_sessions s where s.player_id = any($1::text[])"  # noqa: S608
RULINGS_OF = """
select player_id, event_id::text, kind, target::text, reason, actor, partition, "offset", clock
from rulings where player_id = any($1::text[])
"""
ENTRIES = """
select e.* from unnest($1::text[], $2::text[], $3::text[]) k(board_id, season, player_id)
join leaderboard_entries e using (board_id, season, player_id)
"""
ENTRIES_OF = "select * from leaderboard_entries where player_id = any($1::text[])"


async def load_players(connection: Connection, state: State, player_ids: Sequence[str]) -> None:
    """Who these players are, and the rulings about them."""
    for row in await connection.fetch(PLAYERS, player_ids):
        state.players[row["player_id"]] = Player(*row)
    for row in await connection.fetch(RULINGS_OF, player_ids):
        state.rule(Ruling(*row))


async def load_sessions(connection: Connection, state: State, keys: Sequence[SessionKey]) -> None:
    """These submissions."""
    players, events = [player for player, _ in keys], [event for _, event in keys]
    _add_sessions(state, await connection.fetch(SESSIONS, players, events))


async def load_entries(connection: Connection, state: State, keys: Sequence[EntryKey]) -> None:
    """These rows of boards."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    if columns:
        _add_entries(state, await connection.fetch(ENTRIES, *columns))


async def load_histories(connection: Connection, state: State, player_ids: Sequence[str]) -> None:
    """All submissions of these players, and their rows on every board."""
    _add_sessions(state, await connection.fetch(SESSIONS_OF, player_ids))
    _add_entries(state, await connection.fetch(ENTRIES_OF, player_ids))


def read_entry(row: asyncpg.Record) -> Entry:
    """An entry from its row. The clock of the record that made it is not kept there: 0."""
    standing = Standing(
        row["player_id"],
        row["value"],
        row["reached_at"],
        row["games_played"],
        row["updated_at"],
        str(row["event_id"] or ""),
    )
    at = row["partition"], row["offset"], 0
    return Entry(row["board_id"], row["season"], row["player_id"], None if row["value"] is None else standing, *at)


def _add_sessions(state: State, rows: Sequence[asyncpg.Record]) -> None:
    state.sessions |= {session.key: session for session in (Session(*row) for row in rows)}


def _add_entries(state: State, rows: Sequence[asyncpg.Record]) -> None:
    state.entries |= {entry.key: entry for entry in (read_entry(row) for row in rows)}
