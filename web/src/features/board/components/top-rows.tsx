import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { ErrorState } from "@/components/ui/states";
import { firstQuery } from "../api/entries";
import { useLiveTop } from "../live";
import type { Standing } from "../rows";
import { MyRow } from "./my-row";
import { Podium } from "./podium";
import { RowsCard } from "./rows-card";
import type { ViewProps } from "./view-props";

const Tail = lazy(() => import("./tail"));

/** The first rows of the present season, live. */
export function LiveTopRows(props: ViewProps) {
  const live = useLiveTop(props.board);
  const first = useQuery({ ...firstQuery(props), staleTime: Number.POSITIVE_INFINITY });
  // What REST answers fills the time until the stream has spoken.
  return <TopRows {...props} latest={live ?? first.data ?? null} query={first} />;
}

/** The first rows of a past season. */
export function PastTopRows(props: ViewProps) {
  const first = useQuery(firstQuery(props));
  return <TopRows {...props} latest={first.data ?? null} query={first} />;
}

interface TopRowsProps extends ViewProps {
  latest: Standing | null;
  query: { error: unknown; refetch: () => unknown };
}

function TopRows({ latest, query, ...props }: TopRowsProps) {
  const { board, season, me } = props;
  const after = latest !== null && latest.total > latest.rows.length ? latest.rows.at(-1) : undefined;
  const failed =
    latest === null && query.error !== null ? (
      <ErrorState title="The board cannot be shown" error={query.error} retry={() => query.refetch()} />
    ) : undefined;
  return (
    <RowsCard
      label={props.title}
      latest={latest}
      view="top"
      live={season === null}
      around={props.around}
      onView={props.onView}
      me={me}
      podium={rows => rows.length >= 3 && <Podium rows={rows} board={board} />}
      failed={failed}
      empty={season === null ? "The first score takes the first rank." : "Nobody played in this season."}
      pinned={
        me !== null &&
        season === null && <MyRow board={board} me={me} shown={latest} onAround={() => props.onPlayer(me)} />
      }
      tail={(above, leader) =>
        after !== undefined && (
          <Suspense>
            <Tail of={{ board, season }} after={after} above={above} leader={leader} me={me} />
          </Suspense>
        )
      }
    />
  );
}
