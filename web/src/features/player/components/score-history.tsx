import { useQuery } from "@tanstack/react-query";
import { ChartLine } from "lucide-react";
import { Card } from "@/components/ui/card";
import { Loaded } from "@/components/ui/loaded";
import { EmptyState, Skeleton } from "@/components/ui/states";
import { historyQuery, type Point } from "../api/player";
import { chartOf } from "../chart";
import { ScoreChart } from "./score-chart";

/** The score of a player on a board over time. */
export function ScoreHistory({ id, board }: { id: string; board: string }) {
  const history = useQuery(historyQuery(id, board));
  return (
    <Card title="Score over time" className="h-full">
      <Loaded query={history} what="the history" waiting={<Skeleton className="h-64 w-full" />}>
        {({ points }) => <Plotted points={points} now={history.dataUpdatedAt} />}
      </Loaded>
    </Card>
  );
}

function Plotted({ points, now }: { points: readonly Point[]; now: number }) {
  const chart = chartOf(points, now);
  if (chart === null) return <EmptyState icon={<ChartLine aria-hidden />} title="No score has counted yet" />;
  return <ScoreChart chart={chart} />;
}
