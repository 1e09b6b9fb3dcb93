import { useQuery } from "@tanstack/react-query";
import { UserSearch } from "lucide-react";
import { useMemo } from "react";
import { Link } from "wouter";
import { EmptyState, ErrorState } from "@/components/ui/states";
import { paths } from "@/config/paths";
import { unreachable } from "@/lib/problem";
import { useAround, useChannel } from "@/lib/use-live";
import { aroundQuery, SIDE } from "../api/entries";
import { aroundStanding, useSource } from "../live";
import { type Source, settled } from "../rows";
import { RowsCard } from "./rows-card";
import type { ViewProps } from "./view-props";

interface AroundProps extends ViewProps {
  player: string;
}

/** The rows around a player in the present season, live. */
export function LiveAroundRows(props: AroundProps) {
  const channel = useAround(props.board, props.player, SIDE);
  const isLive = useChannel(channel, state => state.source !== null);
  const query = useQuery({ ...aroundQuery(props, props.player), enabled: !isLive });
  const source = useSource(channel, aroundStanding, props.board, query.data);
  return <AroundRows {...props} source={source} error={isLive ? null : query.error} refetch={query.refetch} />;
}

/** The rows around a player in a past season. */
export function PastAroundRows(props: AroundProps) {
  const query = useQuery(aroundQuery(props, props.player));
  const source = useMemo(() => settled(query.data ?? null), [query.data]);
  return <AroundRows {...props} source={source} error={query.error} refetch={query.refetch} />;
}

interface AroundRowsProps extends AroundProps {
  source: Source;
  error: unknown;
  refetch: () => unknown;
}

function AroundRows({ source, error, refetch, player, ...props }: AroundRowsProps) {
  const unranked = <Unranked board={props.board} player={player} />;
  const failed =
    error !== null &&
    (unreachable(error).kind === "not-ranked" ? (
      unranked
    ) : (
      <ErrorState title="The rows cannot be shown" error={error} retry={() => refetch()} />
    ));
  return (
    <RowsCard
      label={`${props.title}: around ${player}`}
      source={source}
      view="around"
      live={props.season === null}
      around={props.around}
      onView={props.onView}
      me={props.me}
      marked={player}
      failed={failed}
      empty={unranked}
    />
  );
}

const Unranked = ({ board, player }: { board: string; player: string }) => (
  <EmptyState
    icon={<UserSearch aria-hidden />}
    title={`${player} is not on this board`}
    action={
      <Link href={paths.player.href(player, { board })} className="text-cyan underline underline-offset-4">
        To the page of {player}
      </Link>
    }
  >
    A player appears here with the first score that counts.
  </EmptyState>
);
