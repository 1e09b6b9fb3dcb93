-- What an exported log comes to, in plain SQL: none of it is the fold's code. docs/analysts.md describes the views, and
-- what they leave out. Everything is as of the variable `as_of`, where it is set: the records up to then are all there is.

create view events as
from events_files where clock <= coalesce(getvariable('as_of'), 'infinity'::timestamptz);

create view catalogue as
select *, split_part(event_type, '.', 2) as kind from boards_files where raw is null
qualify event_type is null or row_number() over (partition by event_id order by "offset") = 1;

create view voided as
select data->>'$.topic' as topic, (data->>'$.partition')::int as partition, (data->>'$.offset')::bigint as "offset"
from catalogue where kind = 'RecordVoided';

-- Each revision of each board, from an offset of the boards topic on and before another: who is first to revise a
-- revision, revises it.
create view board_revisions as
with facts as (
    select "offset", clock, board_id, kind, data->'$.board' as definition,
        coalesce((data->>'$.expected_revision')::int, 0) as expected
    from catalogue where kind in ('BoardDefined', 'BoardRevised', 'BoardRetired')
    qualify row_number() over (partition by board_id, expected order by "offset") = 1
), whole as (
    select board_id, expected + 1 as revision, "offset", clock, kind = 'BoardRetired' as retired,
        lead("offset") over (partition by board_id order by expected) as until_offset,
        coalesce(definition, lag(definition) over (partition by board_id order by expected)) as d
    from facts
)
select board_id, revision, "offset", until_offset, clock as defined_at, retired,
    d->>'$.title' as title,
    from_json(d->'$.game_modes', '["VARCHAR"]') as game_modes,
    d->>'$.operator' as operator,
    d->>'$.order' as direction,
    coalesce((d->>'$.minimum')::bigint, 1) as minimum,
    coalesce((d->>'$.maximum')::bigint, 9007199254740991) as maximum,
    coalesce(d->>'$.ties', 'first_to_reach') as ties,
    (d->>'$.max_attempts')::int as max_attempts,
    coalesce(d->>'$.reset', 'never') as reset,
    coalesce(d->>'$.timezone', 'UTC') as timezone,
    make_timestamptz((d->>'$.starts_at')::bigint * 1000) as starts_at,
    make_timestamptz((d->>'$.ends_at')::bigint * 1000) as ends_at,
    coalesce(d->'$.where', '{}') as criteria
from whole;

create view boards as
from board_revisions where until_offset is null;

-- Valid events that count as said, with the offset of the boards topic that decides about them (`known`).
create view facts as
select * exclude (is_void)
from (
    select e.*, split_part(e.event_type, '.', 2) as kind, v."offset" is not null as is_void,
        max(case when e.raw is null and v."offset" is null then e.catalogue else -1 end)
            over (partition by e.partition order by e."offset") as known
    from events e
    left join voided v on v.topic = 'events' and v.partition = e.partition and v."offset" = e."offset"
)
where raw is null and not is_void and (player_id is null or key = player_id);

-- The first record of each submission.
create view submissions as
select partition, "offset", recorded_at, clock, day, player_id, event_id, game_mode, score, metadata, attributes,
    coalesce(registered_only, false) as registered_only, actor, known
from facts where kind = 'ScoreSubmitted'
qualify row_number() over (partition by player_id, event_id order by "offset") = 1;

-- Each board that a submission feeds, the season that it falls in, and why it does not count there (null: it may).
create view credits as
select s.*, b.board_id, b.operator, b.direction, b.ties,
    case b.reset
        when 'never' then 'all'
        when 'daily' then strftime(timezone(b.timezone, s.clock), '%Y-%m-%d')
        when 'weekly' then strftime(timezone(b.timezone, s.clock), '%G-W%V')
        when 'monthly' then strftime(timezone(b.timezone, s.clock), '%Y-%m')
    end as season,
    case
        when b.criteria <> '{}' and not list_bool_and(list_transform(json_keys(b.criteria), lambda c: coalesce(
            list_contains(
                from_json(json_extract(b.criteria, '/' || c), '["VARCHAR"]'),
                case
                    when c like 'player.%' then json_extract_string(s.attributes, '/' || c[8:])
                    when json_type(s.metadata, '/' || c[10:]) = 'VARCHAR'
                    then json_extract_string(s.metadata, '/' || c[10:])
                end
            ), false))) then 'not_eligible'
        when s.score not between b.minimum and b.maximum then 'out_of_bounds'
        when s.clock < b.starts_at then 'not_started'
        when s.clock >= b.ends_at then 'season_ended'
    end as reason
from submissions s
join board_revisions b on list_contains(b.game_modes, s.game_mode) and not b.retired
    and b."offset" <= s.known and (b.until_offset is null or s.known < b.until_offset);

-- From which offset on a player is known.
create view known_players as
select player_id, arg_min(partition, "offset") as partition, min("offset") as since, arg_min(clock, "offset") as known_at
from (
    select player_id, partition, "offset", clock from facts where kind = 'PlayerRegistered'
    union all
    from (
        select player_id, partition, "offset", clock from facts
        where kind in ('ScoreRevoked', 'ScoreRestored', 'PlayerErased')
        qualify row_number() over (partition by player_id, event_id order by "offset") = 1 and kind = 'PlayerErased'
    )
    union all
    select player_id, partition, "offset", clock from credits where reason is null and not registered_only
)
group by player_id;

-- What operators decided, as far as it took effect.
create view rulings as
select f.player_id, f.event_id, f.kind, f.target, f.reason, f.data->>'$.entries' as entries, f.actor, f.partition,
    f."offset", f.clock
from facts f left join known_players p using (player_id)
where f.kind in ('ScoreRevoked', 'ScoreRestored', 'PlayerErased')
    or f.kind in ('PlayerBanned', 'PlayerReinstated') and p.since < f."offset"
qualify row_number() over (partition by f.player_id, f.event_id order by f."offset") = 1;

-- Every player who is known, and whether they are on boards at all.
create view players as
select p.player_id, p.partition, p.since as "offset", p.known_at,
    coalesce(r.banned, false) as banned, r.erased,
    not coalesce(r.banned, false) and r.erased is distinct from 'removed' as listed
from known_players p
left join (
    select player_id,
        arg_max(kind = 'PlayerBanned', "offset") filter (where kind in ('PlayerBanned', 'PlayerReinstated')) as banned,
        max(entries) filter (where kind = 'PlayerErased') as erased
    from rulings group by player_id
) r using (player_id);

-- Every submission once, and what became of it.
create view sessions as
with credited as (
    select player_id, event_id, bool_or(reason is null) as taken,
        coalesce(min(reason) filter (where reason <> 'not_eligible'), min(reason)) as reason
    from credits group by player_id, event_id
), revoked as (
    select player_id, target as event_id, arg_max(kind, "offset") = 'ScoreRevoked' as revoked
    from rulings where target is not null group by player_id, target
), changes as (
    select player_id, "offset", kind from rulings where kind in ('PlayerBanned', 'PlayerReinstated')
), erased as (
    select player_id, min("offset") as since from rulings where kind = 'PlayerErased' group by player_id
), judged as (
    select s.*, coalesce(r.revoked, false) as revoked, coalesce(p.listed, false) as listed,
        case
            when c.player_id is null then 'unknown_mode'
            when s.registered_only and not coalesce(p."offset" < s."offset", false) then 'unknown_player'
            when e.since < s."offset" then 'erased'
            when b.kind = 'PlayerBanned' then 'banned'
            when not c.taken then c.reason
        end as reason
    from submissions s
    left join credited c using (player_id, event_id)
    left join revoked r using (player_id, event_id)
    left join players p using (player_id)
    left join erased e using (player_id)
    asof left join changes b on b.player_id = s.player_id and b."offset" < s."offset"
)
select * exclude (reason, listed), case when reason is null then 'applied' else 'refused' end as outcome, reason,
    reason is null and not revoked and listed as counts
from judged;

-- Each step of each row: where a player stood on a board after a submission that counts.
create view steps as
with counted as (
    select c.*,
        case c.operator
            when 'count' then count(*) over turns
            when 'sum' then sum(c.score) over turns
            when 'latest' then c.score
            else case c.direction when 'asc' then min(c.score) over turns else max(c.score) over turns end
        end::bigint as value,
        row_number() over turns as games_played
    from credits c semi join sessions s on s.counts and s.player_id = c.player_id and s.event_id = c.event_id
    where c.reason is null and c.season is not null
    window turns as (partition by c.board_id, c.season, c.player_id order by c."offset")
), changed as (
    select *, value is distinct from lag(value) over turns as moved
    from counted
    window turns as (partition by board_id, season, player_id order by "offset")
)
select board_id, season, player_id, partition, "offset", clock, event_id, score, value, games_played, moved,
    max(case when moved then clock end) over turns as reached_at, direction, ties,
    case direction when 'desc' then -value else value end as sort_value
from changed
window turns as (partition by board_id, season, player_id order by "offset");

-- Where everybody stands, with ranks.
create view entries as
with newest as (
    from steps qualify row_number() over (partition by board_id, season, player_id order by "offset" desc) = 1
)
select board_id, season, player_id, value, games_played, reached_at, clock as updated_at,
    case ties
        when 'shared' then rank() over (partition by board_id, season order by sort_value)
        when 'dense' then dense_rank() over (partition by board_id, season order by sort_value)
        else row_number() over (partition by board_id, season order by sort_value, reached_at, player_id)
    end as rank
from newest;

-- Where everybody stood at the end of each day (UTC) from their first score on, with what is known now.
create view rank_history as
with last_steps as (
    select *, clock::date as day from steps
    qualify row_number() over (partition by board_id, season, player_id, clock::date order by "offset" desc) = 1
), days as (
    select board_id, season, unnest(generate_series(min(day), max(day), interval 1 day))::date as day
    from last_steps group by board_id, season
), held as (
    select d.board_id, d.season, d.day, s.player_id, s.value, s.games_played, s.reached_at, s.ties, s.sort_value
    from (select distinct board_id, season, player_id from last_steps) p
    join days d using (board_id, season)
    asof join last_steps s
        on s.board_id = d.board_id and s.season = d.season and s.player_id = p.player_id and s.day <= d.day
)
select board_id, season, day, player_id, value, games_played, reached_at,
    case ties
        when 'shared' then rank() over (partition by board_id, season, day order by sort_value)
        when 'dense' then dense_rank() over (partition by board_id, season, day order by sort_value)
        else row_number() over (partition by board_id, season, day order by sort_value, reached_at, player_id)
    end as rank
from held;
