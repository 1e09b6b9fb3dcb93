-- Of the players who began in a week, how many per cent played again so many weeks later
with played as (
    select distinct player_id, date_trunc('week', clock)::date as week from sessions where outcome = 'applied'
), begun as (
    select player_id, min(week) as cohort from played group by player_id
), sizes as (
    select cohort, count(*) as players from begun group by cohort
)
select date_diff('week', cohort, week) as weeks_later, cohort, round(100 * count(*) / any_value(players), 1) as per_cent
from played join begun using (player_id) join sizes using (cohort)
group by cohort, week order by cohort, weeks_later
