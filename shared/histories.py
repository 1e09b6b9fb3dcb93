"""Reading from the tables what the fold needs to know of players."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import asyncpg

from shared.fold.state import Entry, EntryKey, Player, Ruling, Session, State
from shared.postgres import Connection
from shared.ranking import Standing

Row: TypeAlias = asyncpg.Record | tuple[Any, ...]
PLAYER = 'p.player_id, p.partition, p."offset", p.registered_at, p.banned, p.erased'
RULING = """
r.player_id, r.event_id::text, r.kind, r.target::text, r.reason, r.actor, r.partition, r."offset", r.clock
"""
SESSION = """
s.player_id, s.event_id::text, s.partition, s."offset", s.clock, s.game_mode, s.score, s.metadata,
    s.payload_hash, s.outcome, s.reason, s.actor, s.attributes, s.catalogue, s.revoked
"""
ENTRY = """
e.board_id, e.season, e.player_id, e.value, e.reached_at, e.games_played, e.updated_at, e.event_id::text, e.partition,
    e."offset"
"""
"""What `read_entry` takes."""
PLAYERS = f"select {PLAYER} from players p where p.player_id = any($1::text[])"  # noqa: S608 - of constants, as below
RULINGS_OF = f"select {RULING} from rulings r where r.player_id = any($1::text[])"  # noqa: S608
SESSIONS_OF = f"select {SESSION} from game_sessions s where s.player_id = any($1::text[])"  # noqa: S608
ENTRIES = f"""
select {ENTRY} from unnest($1::text[], $2::text[], $3::text[]) k(board_id, season, player_id)
join leaderboard_entries e using (board_id, season, player_id)
"""  # noqa: S608
ENTRIES_OF = f"select {ENTRY} from leaderboard_entries e where e.player_id = any($1::text[])"  # noqa: S608


async def load_players(connection: Connection, state: State, player_ids: Sequence[str]) -> None:
    """Who these players are, and the rulings about them."""
    players = await connection.fetch(PLAYERS, player_ids)
    _add_players(state, players, await connection.fetch(RULINGS_OF, player_ids))


async def load_entries(connection: Connection, state: State, keys: Sequence[EntryKey]) -> None:
    """These rows of boards."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    if columns:
        _add_entries(state, await connection.fetch(ENTRIES, *columns))


async def load_histories(connection: Connection, state: State, player_ids: Sequence[str]) -> None:
    """All submissions of these players, and their rows on every board."""
    _add_sessions(state, await connection.fetch(SESSIONS_OF, player_ids))
    _add_entries(state, await connection.fetch(ENTRIES_OF, player_ids))


def read_entry(row: Row) -> Entry:
    """An entry from the columns ENTRY. The clock of the record that made it is not kept there: 0."""
    board_id, season, player_id, value, reached_at, games_played, updated_at, event_id, partition, offset = row
    standing = Standing(player_id, value, reached_at, games_played, updated_at, event_id or "")
    return Entry(board_id, season, player_id, None if value is None else standing, partition, offset, 0)


def add_rows(
    state: State, players: Iterable[Row], rulings: Iterable[Row], sessions: Iterable[Row], entries: Iterable[Row]
) -> None:
    """Put rows into a state; their columns are PLAYER, RULING, SESSION, ENTRY."""
    _add_players(state, players, rulings)
    _add_sessions(state, sessions)
    _add_entries(state, entries)


def _add_players(state: State, players: Iterable[Row], rulings: Iterable[Row]) -> None:
    state.players |= {player.player_id: player for player in (Player(*row) for row in players)}
    for row in rulings:
        state.rule(Ruling(*row))


def _add_sessions(state: State, rows: Iterable[Row]) -> None:
    state.sessions |= {session.key: session for session in (Session(*row) for row in rows)}


def _add_entries(state: State, rows: Iterable[Row]) -> None:
    state.entries |= {entry.key: entry for entry in (read_entry(row) for row in rows)}
