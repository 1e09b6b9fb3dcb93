import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Loaded } from "@/components/ui/loaded";
import { Skeleton } from "@/components/ui/states";
import { time } from "@/lib/format";
import { useAdminKey } from "../admin-key";
import { type BoardInfo, healthQuery, operationsQuery } from "../api/operations";
import type { Wish } from "../api/rulings";
import { KeyForm } from "./admin";
import { Boards } from "./boards";
import { Events } from "./events";
import { Overview } from "./overview";
import { Partitions } from "./partitions";
import { type Draft, Rulings } from "./rulings";
import { Submissions } from "./submissions";
import { WishDialog } from "./wish-dialog";

const BLANK: Draft = { kind: "ban", player: "", event: "" };

/** How the system runs, for all to read; and what only who has the admin key may do. */
export default function OperatorPage() {
  const operations = useQuery(operationsQuery());
  const adminKey = useAdminKey(state => state.adminKey);
  const [wish, setWish] = useState<Wish | null>(null);
  const [draft, setDraft] = useState({ ...BLANK, nth: 0 });
  const rulings = useRef<HTMLDivElement>(null);
  const revoke = (player: string, event: string) => {
    setDraft(before => ({ kind: "revoke", player, event, nth: before.nth + 1 }));
    rulings.current?.scrollIntoView({ block: "center" });
    rulings.current?.focus();
  };
  const retire = (board: BoardInfo) => setWish({ kind: "retire", id: board.board_id, revision: board.revision });
  return (
    <div className="grid grid-cols-1 gap-3 tablet:gap-5">
      <Head at={operations.data?.at} isLost={operations.isError} />
      <Loaded query={operations} what="the figures" waiting={<Waiting />}>
        {found => <Overview operations={found} />}
      </Loaded>
      <div className="grid grid-cols-1 items-start gap-3 tablet:gap-5 desk:grid-cols-2">
        <div className="grid grid-cols-1 gap-3 tablet:gap-5">
          {operations.data !== undefined && <Partitions partitions={operations.data.partitions} />}
          <Boards retire={adminKey === null ? null : retire} />
        </div>
        <div className="grid grid-cols-1 gap-3 tablet:gap-5">
          {operations.data !== undefined && <Submissions operations={operations.data} />}
          <div ref={rulings} tabIndex={-1} className="rounded-card">
            {adminKey === null ? <KeyForm /> : <Rulings key={draft.nth} draft={draft} wish={setWish} />}
          </div>
        </div>
      </div>
      <Events revoke={adminKey === null ? null : revoke} />
      {adminKey !== null && <WishDialog wish={wish} adminKey={adminKey} onClose={() => setWish(null)} />}
    </div>
  );
}

function Head({ at, isLost }: { at: string | undefined; isLost: boolean }) {
  const { adminKey, give } = useAdminKey();
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-2 px-1">
      <title>Operator · Leaderboard</title>
      <h1 className="text-title">Operator</h1>
      <Parts />
      <p className="flex items-center gap-3 text-muted text-small tablet:ms-auto">
        {at !== undefined && <span className="tabular">as of {time(at)}</span>}
        {isLost && <Badge tone="warn">not answered since</Badge>}
        {adminKey !== null && (
          <Button look="quiet" onClick={() => give(null)}>
            Forget the key
          </Button>
        )}
      </p>
    </header>
  );
}

/** Which parts of the system answer. */
function Parts() {
  const { data } = useQuery(healthQuery());
  if (data === undefined) return null;
  return (
    <ul aria-label="Parts of the system" className="flex flex-wrap gap-1.5">
      {Object.entries(data.components).map(([name, { status, error }]) => (
        <li key={name} title={error ?? undefined}>
          <Badge tone={status === "up" ? "good" : "bad"}>
            {name} {status}
          </Badge>
        </li>
      ))}
    </ul>
  );
}

function Waiting() {
  return (
    <div className="grid grid-cols-2 gap-3 tablet:grid-cols-3 desk:grid-cols-6">
      {["lag", "pace", "projectors", "boards", "sockets", "news"].map(figure => (
        <Skeleton key={figure} className="h-28 rounded-card" />
      ))}
    </div>
  );
}
