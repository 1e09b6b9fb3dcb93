-- How many players played each day (UTC), and how often
select day, count(distinct player_id) as players, count(*) as submissions
from sessions where outcome = 'applied'
group by day order by day
