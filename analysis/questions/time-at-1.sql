-- For how long each player led a board on which nobody falls back (best, count, sums of positive scores)
with walked as (
    select *, lag(sort_value) over (partition by board_id, season, player_id order by "offset") as before from steps
), leads as (
    select board_id, season, player_id, clock,
        lead(clock, 1, (select max(clock) from events)) over (partition by board_id, season order by clock, sort_value)
            as until
    from (
        select *, min(sort_value) over (
            partition by board_id, season order by clock, sort_value, player_id
            rows between unbounded preceding and 1 preceding
        ) as best from walked
        qualify not bool_or(sort_value > before) over (partition by board_id, season)
    )
    where best is null or sort_value < best
)
select player_id, board_id, season, round(sum(epoch_ms(until) - epoch_ms(clock)) / 3600000, 2) as hours_at_1,
    count(*) as times_taken
from leads
group by player_id, board_id, season
order by hours_at_1 desc, player_id limit 20
