import { type ReactNode, useMemo, useRef, useState } from "react";
import { Card } from "@/components/ui/card";
import type { Status } from "@/lib/live";
import { useLiveStatus } from "@/lib/use-live";
import type { Row, Source, Standing } from "../rows";
import { useCalm } from "../use-calm";
import { useFlights } from "../use-flights";
import { useHold } from "../use-hold";
import { BoardTable } from "./board-table";
import { Pinned } from "./pinned";
import { ShownRows } from "./shown-rows";
import { SkeletonRows } from "./skeleton-rows";
import { Toolbar } from "./toolbar";

interface RowsCardProps {
  label: string;
  source: Source;
  view: "top" | "around";
  around: string | null;
  onView: (view: "top" | "around") => void;
  me: string | null;
  /** The rows come from the stream. */
  live?: boolean;
  /** Whose row stands out; mine does so anyway. */
  marked?: string;
  /** Above the card, for the rows that it shows. */
  podium?: (rows: readonly Row[]) => ReactNode;
  /** Instead of the rows, while none have come and they cannot be had. */
  failed: ReactNode;
  /** Instead of the rows, when there are none. */
  empty: ReactNode;
  /** Bodies of the table below the rows, given these and whom they hold. */
  tail?: (standing: Standing, above: ReadonlySet<string>) => ReactNode;
  /** What is pinned to the lower edge while my row is not on the screen. */
  pinned?: (shown: Standing | null) => ReactNode;
}

/** The rows of a board: calm, held while somebody points at them, never blank once they have come. */
export function RowsCard({ source, view, around, onView, me, ...rest }: RowsCardProps) {
  const [paused, setPaused] = useState(false);
  const asOf = useLiveStatus(lostAt);
  const hold = useHold();
  const rows = useRef<HTMLTableSectionElement>(null);
  const { shown, waiting, release } = useCalm(source, paused || hold.held, rows);
  useFlights(rows, shown);
  const above = useMemo(() => new Set(shown?.standing.rows.map(row => row.id)), [shown?.standing]);
  const pinned = me !== null && rest.pinned?.(shown?.standing ?? null);
  return (
    <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-3 tablet:gap-5">
      {shown !== null && rest.podium?.(shown.standing.rows)}
      <Card aria-label={rest.label} flush className="relative overflow-clip">
        <Toolbar
          view={view}
          around={around}
          onView={onView}
          paused={paused}
          onPause={setPaused}
          waiting={waiting}
          onRelease={release}
          total={shown?.standing.total ?? null}
          asOf={rest.live === true ? asOf : null}
          mine={around !== null && around === me}
        />
        {shown === null ? (
          rest.failed || <SkeletonRows count={12} />
        ) : shown.standing.rows.length === 0 ? (
          rest.empty
        ) : (
          <BoardTable
            label={rest.label}
            total={shown.standing.total}
            rows={rows}
            hasLeader={shown.standing.rows[0]?.rank === 1}
            hold={hold.handlers}
            tail={rest.tail?.(shown.standing, above)}
          >
            <ShownRows shown={shown} me={me} marked={rest.marked} />
          </BoardTable>
        )}
        {me !== null && pinned && (
          <Pinned player={me} within={rows} rowsKey={shown?.at ?? 0}>
            {pinned}
          </Pinned>
        )}
      </Card>
    </div>
  );
}

/** Since when the stream is lost; null while it is not. */
function lostAt({ kind, heardAt }: Status): number | null {
  return kind === "stale" || kind === "offline" || kind === "paused" || kind === "stopped" ? heardAt : null;
}
