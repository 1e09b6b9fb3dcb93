import { useQuery } from "@tanstack/react-query";
import { Medal, UserRoundX } from "lucide-react";
import { Link, useSearchParams } from "wouter";
import { Card } from "@/components/ui/card";
import { Loaded } from "@/components/ui/loaded";
import { EmptyState, Skeleton } from "@/components/ui/states";
import { paths } from "@/config/paths";
import { date } from "@/lib/format";
import { unreachable } from "@/lib/problem";
import { type BoardRank, profileQuery, ranksQuery } from "../api/player";
import { BoardRanks } from "./board-ranks";
import { RankCard } from "./rank-card";
import { ScoreHistory } from "./score-history";
import { Sessions } from "./sessions";

/** Everything about a player; the board that it is about is in the address. */
export default function PlayerPage({ id }: { id: string }) {
  const profile = useQuery(profileQuery(id));
  const ranks = useQuery(ranksQuery(id));
  if (profile.data === undefined && unreachable(profile.error).kind === "unknown-player") return <Stranger id={id} />;
  return (
    <div className="grid grid-cols-1 gap-3 tablet:gap-5">
      <Head id={id} name={profile.data?.username} since={profile.data?.registered_at ?? null} />
      <Loaded query={ranks} what="the ranks" waiting={<Waiting />}>
        {found => <Ranks id={id} ranks={found} />}
      </Loaded>
      <Sessions id={id} />
    </div>
  );
}

function Head({ id, name, since }: { id: string; name: string | undefined; since: string | null }) {
  return (
    <header className="px-1">
      <title>{`${name ?? id} · Leaderboard`}</title>
      <h1 className="break-words text-hero" dir="auto">
        {name ?? id}
      </h1>
      <p className="text-muted text-small">
        {name !== undefined && name !== id && <span className="break-all font-mono">{id} · </span>}
        {since === null ? "Player" : `Player since ${date(since)}`}
      </p>
    </header>
  );
}

function Ranks({ id, ranks }: { id: string; ranks: readonly BoardRank[] }) {
  const [query] = useSearchParams();
  const shown = ranks.find(rank => rank.board_id === query.get("board")) ?? ranks[0];
  if (shown === undefined)
    return (
      <Card>
        <EmptyState icon={<Medal aria-hidden />} title="Not ranked on any board">
          The first score that counts this season puts the player on a board.
        </EmptyState>
      </Card>
    );
  return (
    <>
      <div className="grid grid-cols-1 gap-3 tablet:gap-5 desk:grid-cols-[minmax(20rem,2fr)_3fr]">
        <RankCard key={shown.board_id} id={id} asked={shown} />
        <ScoreHistory key={`history of ${shown.board_id}`} id={id} board={shown.board_id} />
      </div>
      <BoardRanks id={id} ranks={ranks} shown={shown.board_id} />
    </>
  );
}

function Stranger({ id }: { id: string }) {
  return (
    <>
      <title>Unknown player · Leaderboard</title>
      <h1 className="sr-only">Unknown player</h1>
      <EmptyState
        icon={<UserRoundX aria-hidden />}
        title="Nobody plays under this name"
        action={
          <Link href={paths.board.href()} className="text-cyan underline underline-offset-4">
            To the board
          </Link>
        }
      >
        {`There is no player with the id ${id}. Ids tell capital letters from small ones.`}
      </EmptyState>
    </>
  );
}

function Waiting() {
  return (
    <div className="grid grid-cols-1 gap-3 tablet:gap-5 desk:grid-cols-[minmax(20rem,2fr)_3fr]">
      <Skeleton className="h-80 rounded-card" />
      <Skeleton className="h-80 rounded-card" />
    </div>
  );
}
