-- The rows of one season of one board as of an instant, by definition, with none of our fold: what each player's
-- counting scores come to. $instant, $starts and $ends are milliseconds.
with voided as (
    select (data->>'partition')::int as partition, (data->>'offset')::bigint as "offset"
    from boards where event_type = 'leaderboard.RecordVoided.v1'
), prefix as (
    select *, epoch_ms(clock) as ms, max(catalogue) over (partition by partition order by "offset") as known
    from events anti join voided using (partition, "offset")
    where epoch_ms(clock) <= $instant and player_id = key
), scores as (
    select *, {fits} as fits, {feeds} as feeds
    from prefix where event_type like 'leaderboard.ScoreSubmitted.%'
    qualify row_number() over (partition by player_id, event_id order by "offset") = 1
), ruled as (
    select * from prefix where event_type similar to
        'leaderboard.(ScoreRevoked|ScoreRestored|PlayerBanned|PlayerReinstated|PlayerErased).v1'
    qualify row_number() over (partition by player_id, event_id order by "offset") = 1
), met as (
    select player_id, min("offset") as since from (
        select player_id, "offset" from scores where fits and registered_only is null
        union all
        select player_id, "offset" from prefix
        where event_type in ('leaderboard.PlayerRegistered.v1', 'leaderboard.PlayerErased.v1')
    ) group by player_id
), bans as (
    select player_id, r."offset", event_type = 'leaderboard.PlayerBanned.v1' as banned
    from ruled r join met using (player_id)
    where event_type in ('leaderboard.PlayerBanned.v1', 'leaderboard.PlayerReinstated.v1') and met.since < r."offset"
), erasures as (
    select player_id, min("offset") as "offset", bool_or(data->>'entries' = 'removed') as removed
    from ruled where event_type = 'leaderboard.PlayerErased.v1' group by player_id
), revoked as (
    select player_id, target from ruled where target is not null
    group by player_id, target having arg_max(event_type, "offset") = 'leaderboard.ScoreRevoked.v1'
), hidden as (
    select player_id from bans group by player_id having arg_max(banned, "offset")
    union select player_id from erasures where removed
), counting as (
    select s.* from scores s
    join met on met.player_id = s.player_id
    asof left join bans b on b.player_id = s.player_id and b."offset" < s."offset"
    left join erasures e on e.player_id = s.player_id
    where s.feeds and s.ms >= $starts and s.ms < $ends
        and (s.registered_only is null or met.since < s."offset")
        and not coalesce(b.banned, false) and not coalesce(e."offset" < s."offset", false)
        and not exists (select 1 from revoked r where r.player_id = s.player_id and r.target = s.event_id)
        and not exists (select 1 from hidden h where h.player_id = s.player_id)
    qualify row_number() over (partition by s.player_id order by s."offset") <= {attempts}
), totals as (
    select player_id, count(*) as games, max(ms) as updated_at, sum(score)::bigint as total, max(score) as most,
        min(score) as least, arg_max(score, "offset") as newest, max(ms) filter (score <> 0) as moved_at, min(ms) as first_at
    from counting group by player_id
), valued as (
    select t.*, {value} as value from totals t
), standings as (
    select player_id, value::bigint as value, games, updated_at, {reached} as reached_at
    from valued v
)
select {rank} over (order by {sort}) as rank, player_id, value, reached_at, games, updated_at
from standings order by {sort}, reached_at, player_id
