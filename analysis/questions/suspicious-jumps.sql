-- Scores at least five times as good as all that the player had done in five or more games before
with tried as (
    select s.*, b.direction,
        count(*) over earlier as games_before,
        case b.direction when 'desc' then max(s.score) over earlier else min(s.score) over earlier end as best_before
    from sessions s join boards b on list_contains(b.game_modes, s.game_mode) and b.operator <> 'count'
    where s.counts and s.score > 0
    window earlier as (
        partition by b.board_id, s.player_id order by s."offset" rows between unbounded preceding and 1 preceding
    )
)
select distinct player_id, clock, game_mode, score, best_before, games_before,
    round(case direction when 'desc' then score / best_before else best_before / score end, 1) as times_as_good, event_id
from tried
where games_before >= 5 and case direction when 'desc' then score >= 5 * best_before else best_before >= 5 * score end
order by times_as_good desc, clock limit 50
