import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { counted, number } from "@/lib/format";
import { type Freshness, freshnessQuery, type Operations } from "../api/operations";
import { ageAt } from "../figures";
import { Stat, Trail } from "./stat";

/** The figures that say at a glance whether all is well. */
export function Overview({ operations }: { operations: Operations }) {
  const { at, lag, records_per_second, projectors, boards, seasons_open, stopped } = operations;
  return (
    <>
      {stopped.length > 0 && <Stopped partitions={stopped} />}
      <dl className="grid grid-cols-2 gap-3 tablet:grid-cols-3 desk:grid-cols-6">
        <Stat name="Lag" note={<Trail value={lag} at={at} />}>
          {counted(lag, "record")}
        </Stat>
        <Stat name="Throughput" note={<Trail value={records_per_second} at={at} />}>
          {number(records_per_second)}/s
        </Stat>
        <Stat
          name="Projectors"
          isBad={projectors.length === 0}
          note={projectors.length === 0 ? "nothing is projected" : "alive"}
        >
          {number(projectors.length)}
        </Stat>
        <Stat name="Boards" note={counted(seasons_open, "open season")}>
          {number(boards)}
        </Stat>
        <Fresh sockets={operations.sockets} />
      </dl>
    </>
  );
}

function Fresh({ sockets }: { sockets: number | null }) {
  const { data } = useQuery(freshnessQuery());
  return (
    <>
      <Stat name="Sockets" note={data === undefined ? "…" : `a tick each ${number(data.tick_ms)} ms`}>
        {sockets === null ? "–" : number(sockets)}
      </Stat>
      <News counts={data?.board ?? []} />
    </>
  );
}

/** How old what goes out to the sockets is. */
function News({ counts }: { counts: Freshness["board"] }) {
  const [half, most] = [ageAt(counts, 0.5), ageAt(counts, 0.99)];
  const words = (ms: number | null) => (ms === null ? "> 10 s" : `≤ ${number(ms)} ms`);
  if (counts.every(({ writes }) => writes === 0))
    return (
      <Stat name="Age of news" note="nothing sent yet">
        –
      </Stat>
    );
  return (
    <Stat name="Age of news" note={`99 of 100: ${words(most)}`}>
      {words(half)}
    </Stat>
  );
}

function Stopped({ partitions }: { partitions: readonly string[] }) {
  return (
    <div role="alert" className="flex gap-3 rounded-card border border-danger bg-surface p-4">
      <TriangleAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-danger" />
      <div className="min-w-0">
        <p className="font-semibold text-danger">{counted(partitions.length, "partition")} stopped; the others go on</p>
        <ul className="mt-1 space-y-1 break-words font-mono text-small">
          {partitions.map(each => (
            <li key={each}>{each}</li>
          ))}
        </ul>
        <p className="mt-2 text-muted text-small">
          <code>leaderboard log void --help</code> says how to pass a record that cannot be judged.
        </p>
      </div>
    </div>
  );
}
