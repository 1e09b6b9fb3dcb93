import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { ErrorBoundary } from "@/app/error-boundary";
import { NotFound } from "@/app/not-found";
import { BoardPage } from "@/app/pages/board-page";
import { Skeleton } from "@/components/ui/states";
import { paths } from "@/config/paths";

const PlayerPage = lazy(() => import("@/features/player/components/player-page"));
const OperatorPage = lazy(() => import("@/features/operator/components/operator-page"));

/** Which page an address shows. The board is in the first download; the others come when they are asked for. */
export function Router() {
  return (
    <ErrorBoundary>
      <Suspense fallback={<Skeleton className="h-64 w-full rounded-card" />}>
        <Switch>
          <Route path={paths.board.pattern} component={BoardPage} />
          <Route path={paths.player.pattern}>{params => <PlayerPage key={params.id} id={params.id} />}</Route>
          <Route path={paths.operator.pattern}>{() => <OperatorPage />}</Route>
          <Route component={NotFound} />
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}
