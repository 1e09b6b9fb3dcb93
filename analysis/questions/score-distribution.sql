-- How many submissions reached scores of each size, ten steps a power of ten
select ceil(10 ^ (floor(log10(score) * 10) / 10))::bigint as score_from, game_mode, count(*) as submissions
from sessions where counts and score > 0
group by score_from, game_mode order by score_from, game_mode
