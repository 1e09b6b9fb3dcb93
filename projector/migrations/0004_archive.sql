-- Seasons that ended long ago leave Redis: their ranks are written down, and what changes in them is noted.

alter table seasons add column closed boolean not null default false;
update seasons s set closed = true from season_results r
where r.board_id = s.board_id and r.season = s.season and r.kind = 'closed';
create index seasons_open on seasons (board_id, season) where not closed;
comment on column seasons.ends_at is 'as the board said when the season was first played in, and for good once it is closed; null: never';
comment on column seasons.closed is 'whether there is a result of it';

create table season_changes (
    change_id bigint generated always as identity primary key,
    board_id text collate "C" not null,
    season text collate "C" not null
);
comment on table season_changes is 'Seasons that were changed after their end, until their results are corrected.';
insert into season_changes (board_id, season) select board_id, season from season_results where kind = 'closed';

alter table season_standings
    add column sort_value bigint,
    add column updated_at bigint,
    add column better bigint;
update season_standings s set sort_value = r.sort_value, updated_at = r.updated_at, better = r.better
from (
    select s.board_id, s.season, s.kind, s.place, v.sort_value, coalesce(e.updated_at, s.reached_at) as updated_at,
        dense_rank() over (partition by s.board_id, s.season, s.kind order by v.sort_value) - 1 as better
    from season_standings s join boards b using (board_id)
    left join leaderboard_entries e using (board_id, season, player_id)
    cross join lateral (select case b.definition->>'order' when 'desc' then -s.value else s.value end as sort_value) v
) r where (r.board_id, r.season, r.kind, r.place) = (s.board_id, s.season, s.kind, s.place);
alter table season_standings
    alter column sort_value set not null,
    alter column updated_at set not null,
    alter column better set not null;
create index season_standings_order on season_standings (board_id, season, kind, sort_value, reached_at, player_id);
comment on column season_standings.better is 'how many distinct values are better';

create index players_erased on players (player_id) where erased is not null;
