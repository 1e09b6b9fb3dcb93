import { memo, type RefObject, useLayoutEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { cx } from "@/components/ui/class-names";
import { paths } from "@/config/paths";
import { compact, number } from "@/lib/format";
import { Flights } from "../flights";
import type { Row } from "../rows";
import { Avatar } from "./avatar";
import { Medal, metalOf } from "./medal";

const ORDER = ["order-2", "order-1", "order-3"] as const;
const HEIGHT = ["tablet:pb-10", "tablet:pb-6", "tablet:pb-3"] as const;

/** The first three, as on a podium; the reading order stays first, second, third. */
export function Podium({ rows, board }: { rows: readonly Row[]; board: string }) {
  const first = rows.slice(0, 3);
  const list = useRef<HTMLOListElement>(null);
  useWalks(list, first.map(row => row.id).join(" "));
  return (
    <ol ref={list} aria-label="The first three" className="grid grid-cols-3 items-end gap-2 tablet:gap-4">
      {first.map((row, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: steps stay, who stands on them changes
        <li key={place} className={ORDER[place]}>
          <Step row={row} place={place} board={board} />
        </li>
      ))}
    </ol>
  );
}

/** Who stays among the first three walks to the other step. */
function useWalks(list: RefObject<HTMLElement | null>, ids: string): void {
  const [flights] = useState(() => new Flights());
  const known = useRef<readonly string[]>([]);
  useLayoutEffect(() => {
    const now = ids.split(" ");
    const before = known.current;
    known.current = now;
    const moved = now.filter((id, place) => before.includes(id) && before[place] !== id);
    if (moved.length === 0) return;
    const steps = [...(list.current?.children ?? [])] as HTMLElement[];
    const left = (of: readonly string[], id: string) => steps[of.indexOf(id)]?.offsetLeft ?? 0;
    for (const id of moved) {
      const [place, x] = [now.indexOf(id), left(before, id) - left(now, id)];
      const step = steps[place];
      if (step !== undefined) flights.launch(id, place, step, { x, y: 0 });
    }
  }, [flights, list, ids]);
}

const Step = memo(function Step({ row, place, board }: { row: Row; place: number; board: string }) {
  return (
    <Link
      href={paths.player.href(row.id, { board })}
      className={cx(
        "podium-step relative flex flex-col items-center gap-0.5 rounded-card border px-2 pt-2 pb-2 text-center",
        "tablet:gap-1 tablet:px-4 tablet:pt-4",
        metalOf(place + 1),
        HEIGHT[place],
      )}
    >
      <span className="flex items-center gap-1">
        <Medal rank={row.rank} className="tablet:size-10" />
        <Avatar id={row.id} name={row.name} className="max-tablet:hidden tablet:size-10" />
      </span>
      <bdi dir="auto" className="w-full truncate font-semibold text-ink text-small tablet:text-body">
        {row.name}
      </bdi>
      <span title={number(row.value)} className="tabular font-bold font-display text-lead tablet:text-title">
        <span className="tablet:hidden">{compact(row.value)}</span>
        <span className="max-tablet:hidden">{number(row.value)}</span>
      </span>
    </Link>
  );
});
