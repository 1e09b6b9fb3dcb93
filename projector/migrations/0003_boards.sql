-- Boards with seasons, operators and ties; rulings of operators; rows that are on no board any more.

alter table leaderboard_entries
    alter column value drop not null,
    alter column sort_value drop not null,
    alter column reached_at drop not null,
    alter column updated_at drop not null,
    add column event_id uuid;
comment on column leaderboard_entries.value is 'null: the player is not on the board (any more); the row says since which offset';
comment on column leaderboard_entries.event_id is 'the submission that made the present value';
create index leaderboard_entries_player on leaderboard_entries (player_id);

alter table entry_history
    alter column value drop not null,
    alter column reached_at drop not null;

alter table players
    add column banned boolean not null default false,
    add column erased text;
comment on column players.erased is 'what became of the rows of a player who was erased: anonymous or removed';

alter table profiles alter column username drop not null;
comment on column profiles.username is 'null: the profile was erased';

alter table game_sessions
    add column attributes jsonb,
    add column catalogue bigint not null default -1,
    add column revoked boolean not null default false;
comment on column game_sessions.catalogue is 'the offset of the boards topic that decides which boards it feeds';

create table rulings (
    player_id text collate "C" not null,
    event_id uuid not null,
    kind text not null,
    target uuid,
    reason text not null,
    actor text not null,
    partition int not null,
    "offset" bigint not null,
    clock bigint not null,
    primary key (player_id, event_id)
);
comment on table rulings is 'What operators decided about players and their submissions.';
comment on column rulings.target is 'the submission that was revoked or restored; null where the player is meant';

create table seasons (
    board_id text collate "C" not null,
    season text collate "C" not null,
    starts_at bigint not null,
    ends_at bigint,
    primary key (board_id, season)
);
comment on table seasons is 'Every season that somebody has played in; ends_at null: never.';

create table season_ends (
    board_id text collate "C" not null,
    season text collate "C" not null,
    partition int not null,
    "offset" bigint not null,
    clock bigint not null,
    primary key (board_id, season, partition)
);
comment on table season_ends is 'Where a season ended in each partition: what is before belongs to its results as closed.';

alter table boards add column retired boolean not null default false;

create table season_results (
    board_id text collate "C" not null,
    season text collate "C" not null,
    kind text not null,
    cut jsonb not null,
    players bigint not null,
    digest text not null,
    announced boolean not null default false,
    primary key (board_id, season, kind)
);
comment on table season_results is 'Final standings: closed (at the ends of the season, for ever) and corrected (after later rulings).';
comment on column season_results.cut is 'partition → next offset that the standings are of';

create table season_standings (
    board_id text collate "C" not null,
    season text collate "C" not null,
    kind text not null,
    place bigint not null,
    player_id text collate "C" not null,
    value bigint not null,
    reached_at bigint not null,
    games_played int not null,
    primary key (board_id, season, kind, place)
);
comment on column season_standings.place is 'from 0, in the total order of the board';
