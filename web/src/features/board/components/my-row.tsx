import { LocateFixed } from "lucide-react";
import { Button } from "@/components/ui/button";
import { number, percent, signed } from "@/lib/format";
import { usePending } from "@/lib/pending";
import type { Standing } from "../rows";
import { type Mine, useMine } from "../use-mine";
import { Avatar } from "./avatar";

interface MyRowProps {
  board: string;
  me: string;
  shown: Standing | null;
  onAround: (() => void) | null;
}

/** My row, for when it is not among those on the screen. */
export function MyRow({ board, me, shown, onAround }: MyRowProps) {
  const mine = useMine(board, me, shown);
  const pending = usePending(state => (state.score?.playerId === me ? state.score : null));
  return (
    <div className="flex min-h-14 items-center gap-3 px-3 tablet:px-5">
      <Avatar id={me} name={mine?.name ?? me} />
      <div className="min-w-0">
        <p className="flex items-center gap-2 font-semibold">
          <bdi dir="auto" className="truncate">
            {mine?.name ?? me}
          </bdi>
          <span className="rounded-pill bg-cyan px-2 font-bold text-micro text-on-accent">you</span>
        </p>
        <p className="truncate text-muted text-small">
          {pending === null ? lineOf(mine) : `${signed(pending.score)} pending`}
        </p>
      </div>
      {mine !== null && (
        <div className="tabular ms-auto text-end">
          <p className="font-bold font-display text-lead">#{number(mine.rank)}</p>
          <p className="text-muted text-small">{number(mine.value)}</p>
        </div>
      )}
      {mine !== null && onAround !== null && (
        <Button look="quiet" icon aria-label="Show the rows around me" title="Around me" onClick={onAround}>
          <LocateFixed aria-hidden className="size-5" />
        </Button>
      )}
    </div>
  );
}

function lineOf(mine: Mine | null): string {
  if (mine === null) return "Not on this board yet";
  const best = `top ${percent(Math.max(0.1, 100 - mine.percentile + 100 / mine.total))}`;
  return mine.gap === null || mine.gap === 0 ? best : `${number(mine.gap)} to the next rank · ${best}`;
}
