import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { Card } from "@/components/ui/card";
import { EmptyState, ErrorState, Skeleton } from "@/components/ui/states";
import { useIdentity } from "@/lib/identity";
import { boardsQuery } from "../api/boards";
import { type Choice, choose } from "../choice";
import { useFilters } from "../use-filters";
import { useRankVoice } from "../use-rank-voice";
import { seasonTitle } from "../words";
import { LiveAroundRows, PastAroundRows } from "./around-rows";
import { BoardHead } from "./board-head";
import { SkeletonRows } from "./skeleton-rows";
import { LiveTopRows, PastTopRows } from "./top-rows";

interface BoardViewProps {
  /** What stands beside the rows, where there is room. */
  aside: (choice: Choice) => ReactNode;
  /** What stands for it where there is none. */
  action: (choice: Choice) => ReactNode;
}

/** A board, as the address says. */
export function BoardView({ aside, action }: BoardViewProps) {
  const { data: all, error, refetch } = useQuery(boardsQuery());
  const [filters, change] = useFilters();
  const choice = all === undefined ? null : choose(all, filters);
  useEffect(() => {
    if (choice !== null) document.title = `${choice.board.definition.title} · Leaderboard`;
  }, [choice]);
  if (all === undefined && error !== null)
    return <ErrorState title="The boards cannot be read" error={error} retry={() => refetch()} />;
  if (all === undefined) return <Waiting />;
  if (choice === null)
    return (
      <EmptyState title="There is no board yet">An operator defines the first one; then scores can come.</EmptyState>
    );
  const present = choice.board.season.season;
  const season = filters.season && filters.season !== present ? filters.season : null;
  return (
    <>
      <BoardHead choice={choice} all={all ?? []} season={season} onChange={change} action={action(choice)} />
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 desk:grid-cols-[minmax(0,1fr)_20rem]">
        <Rows choice={choice} season={season} player={filters.player ?? null} onPlayer={player => change({ player })} />
        <div className="max-desk:hidden desk:sticky desk:top-20">{aside(choice)}</div>
      </div>
    </>
  );
}

interface RowsProps {
  choice: Choice;
  season: string | null;
  player: string | null;
  onPlayer: (player: string) => void;
}

function Rows({ choice, season, player, onPlayer }: RowsProps) {
  const me = useIdentity(state => state.playerId);
  const { board_id: board, definition, season: present } = choice.board;
  const around = player ?? me;
  const view = {
    board,
    season,
    me,
    around,
    title: `${definition.title}, ${seasonTitle(season ?? present.season)}`,
    onView: (wanted: "top" | "around") => onPlayer(wanted === "top" ? "" : (around ?? "")),
    onPlayer,
  };
  useRankVoice(board, me);
  const key = `${board} ${season} ${player}`;
  if (player !== null)
    return season === null ? (
      <LiveAroundRows key={key} {...view} player={player} />
    ) : (
      <PastAroundRows key={key} {...view} player={player} />
    );
  return season === null ? <LiveTopRows key={key} {...view} /> : <PastTopRows key={key} {...view} />;
}

const Waiting = () => (
  <>
    <Skeleton className="mb-5 h-10 w-64" />
    <Card flush>
      <SkeletonRows count={12} />
    </Card>
  </>
);
