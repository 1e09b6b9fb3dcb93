import { useQuery } from "@tanstack/react-query";
import { Trophy } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";
import { EmptyState, ErrorState } from "@/components/ui/states";
import { useTop } from "@/lib/use-live";
import { FIRST, firstQuery } from "../api/entries";
import { topStanding, useSource } from "../live";
import { type Source, settled } from "../rows";
import { MyRow } from "./my-row";
import { Podium } from "./podium";
import { RowsCard } from "./rows-card";
import type { ViewProps } from "./view-props";

const Tail = lazy(() => import("./tail"));

/** The first rows of the present season, live. */
export function LiveTopRows(props: ViewProps) {
  const first = useQuery({ ...firstQuery(props), staleTime: Number.POSITIVE_INFINITY });
  const source = useSource(useTop(props.board, FIRST), topStanding, props.board, first.data);
  return <TopRows {...props} source={source} query={first} />;
}

/** The first rows of a past season. */
export function PastTopRows(props: ViewProps) {
  const first = useQuery(firstQuery(props));
  const source = useMemo(() => settled(first.data ?? null), [first.data]);
  return <TopRows {...props} source={source} query={first} />;
}

interface TopRowsProps extends ViewProps {
  source: Source;
  query: { error: unknown; refetch: () => unknown };
}

function TopRows({ source, query, ...props }: TopRowsProps) {
  const { board, season, me } = props;
  const failed = query.error !== null && (
    <ErrorState title="The board cannot be shown" error={query.error} retry={() => query.refetch()} />
  );
  return (
    <RowsCard
      label={props.title}
      source={source}
      view="top"
      live={season === null}
      around={props.around}
      onView={props.onView}
      me={me}
      podium={rows => rows.length >= 3 && <Podium rows={rows} board={board} />}
      failed={failed}
      empty={
        <EmptyState icon={<Trophy aria-hidden />} title="Nobody is on this board yet">
          {season === null ? "The first score takes the first rank." : "Nobody played in this season."}
        </EmptyState>
      }
      pinned={shown =>
        me !== null &&
        season === null && <MyRow board={board} me={me} shown={shown} onAround={() => props.onPlayer(me)} />
      }
      tail={({ rows, total }, above) => {
        const after = total > rows.length ? rows.at(-1) : undefined;
        return (
          after !== undefined && (
            <Suspense>
              <Tail of={{ board, season }} after={after} above={above} leader={rows[0]?.value ?? 0} me={me} />
            </Suspense>
          )
        );
      }}
    />
  );
}
