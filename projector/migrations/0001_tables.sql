-- The read models of projection version 1. All times are fold clocks: milliseconds since 1970 UTC.

create table checkpoints (
    topic text not null,
    partition int not null,
    incarnation text not null,
    next_offset bigint not null,
    clock bigint not null default 0,
    catalogue bigint not null default -1,
    applied bigint not null default 0,
    duplicate bigint not null default 0,
    conflict bigint not null default 0,
    refused bigint not null default 0,
    primary key (topic, partition)
) with (fillfactor = 50);
comment on table checkpoints is 'How far each partition is projected; moves in the transaction that writes the rows.';

create table players (
    player_id text collate "C" primary key,
    partition int not null,
    "offset" bigint not null,
    registered_at bigint not null
);

create table profiles (
    player_id text collate "C" primary key,
    username text not null,
    attributes jsonb not null,
    partition int not null,
    "offset" bigint not null
);

create table game_sessions (
    player_id text collate "C" not null,
    event_id uuid not null,
    partition int not null,
    "offset" bigint not null,
    clock bigint not null,
    game_mode text not null,
    score bigint not null,
    metadata jsonb,
    payload_hash bytea not null,
    outcome text not null,
    reason text,
    actor text not null,
    primary key (player_id, event_id)
) partition by hash (player_id);
comment on table game_sessions is 'Every submission and what became of it: the audit. Duplicates and conflicts only count.';

do $$
begin
    for n in 0..7 loop
        execute format('create table game_sessions_%s partition of game_sessions for values with (modulus 8, remainder %s)', n, n);
    end loop;
end $$;

create table leaderboard_entries (
    board_id text collate "C" not null,
    season text collate "C" not null,
    player_id text collate "C" not null,
    value bigint not null,
    sort_value bigint not null,
    reached_at bigint not null,
    games_played int not null,
    updated_at bigint not null,
    partition int not null,
    "offset" bigint not null,
    primary key (board_id, season, player_id)
) with (fillfactor = 70);
comment on column leaderboard_entries.sort_value is 'value, negated on descending boards: rows go up in rank order';

create table entry_history (
    board_id text collate "C" not null,
    season text collate "C" not null,
    player_id text collate "C" not null,
    "offset" bigint not null,
    partition int not null,
    clock bigint not null,
    value bigint not null,
    reached_at bigint not null,
    games_played int not null,
    primary key (board_id, season, player_id, "offset")
);
comment on table entry_history is 'Each change of an entry, with the record that made it.';

create table boards (
    board_id text collate "C" primary key,
    definition jsonb not null,
    catalogue_offset bigint not null
);

create table board_versions (
    board_id text collate "C" not null,
    season text collate "C" not null,
    partition int not null,
    version bigint not null,
    primary key (board_id, season, partition)
) with (fillfactor = 50);
comment on column board_versions.version is 'the last offset of the partition that touched this season of the board';
