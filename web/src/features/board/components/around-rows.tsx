import { useQuery } from "@tanstack/react-query";
import { UserSearch } from "lucide-react";
import { Link } from "wouter";
import { EmptyState, ErrorState } from "@/components/ui/states";
import { paths } from "@/config/paths";
import { unreachable } from "@/lib/problem";
import { aroundQuery } from "../api/entries";
import { useLiveAround } from "../live";
import type { Standing } from "../rows";
import { RowsCard } from "./rows-card";
import type { ViewProps } from "./view-props";

interface AroundProps extends ViewProps {
  player: string;
}

/** The rows around a player in the present season, live. */
export function LiveAroundRows(props: AroundProps) {
  const live = useLiveAround(props.board, props.player);
  const query = useQuery({ ...aroundQuery(props, props.player), enabled: live === null });
  const latest = live === null ? (query.data ?? null) : live;
  return <AroundRows {...props} latest={latest} error={live === null ? query.error : null} refetch={query.refetch} />;
}

/** The rows around a player in a past season. */
export function PastAroundRows(props: AroundProps) {
  const query = useQuery(aroundQuery(props, props.player));
  return <AroundRows {...props} latest={query.data ?? null} error={query.error} refetch={query.refetch} />;
}

interface AroundRowsProps extends AroundProps {
  latest: Standing | null;
  error: unknown;
  refetch: () => unknown;
}

function AroundRows({ latest, error, refetch, player, ...props }: AroundRowsProps) {
  const unranked = (error !== null && unreachable(error).kind === "not-ranked") || latest?.rows.length === 0;
  const failed = unranked ? (
    <EmptyState
      icon={<UserSearch aria-hidden />}
      title={`${player} is not on this board`}
      action={
        <Link
          href={paths.player.href(player, { board: props.board })}
          className="text-cyan underline underline-offset-4"
        >
          To the page of {player}
        </Link>
      }
    >
      A player appears here with the first score that counts.
    </EmptyState>
  ) : error !== null && latest === null ? (
    <ErrorState title="The rows cannot be shown" error={error} retry={() => refetch()} />
  ) : undefined;
  return (
    <RowsCard
      label={`${props.title}: around ${player}`}
      latest={latest}
      view="around"
      live={props.season === null}
      around={props.around}
      onView={props.onView}
      me={props.me}
      marked={player}
      failed={failed}
      empty=""
    />
  );
}
