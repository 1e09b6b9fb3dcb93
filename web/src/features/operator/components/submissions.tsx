import { Card } from "@/components/ui/card";
import { counted, number, percent } from "@/lib/format";
import type { Operations } from "../api/operations";

/** What became of the newest submissions, and of all. */
export function Submissions({ operations: { submissions, outcomes } }: { operations: Operations }) {
  const { newest, counted: taken, waiting, repeated, refused_by_reason } = submissions;
  const refused = Object.entries(refused_by_reason).sort(([, a], [, b]) => b - a);
  return (
    <Card title="Submissions">
      <p className="text-muted text-small">
        {newest === 0
          ? "There is none in the newest records of the log."
          : `Of the newest ${counted(newest, "submission")}:`}
      </p>
      <dl className="mt-3 space-y-2.5">
        <Share name="counted" count={taken} of={newest} tone="bg-lime" />
        <Share name="not projected yet" count={waiting} of={newest} tone="bg-cyan" />
        <Share name="sent again" count={repeated} of={newest} tone="bg-edge" />
        {refused.map(([reason, count]) => (
          <Share
            key={reason}
            name={`refused: ${reason.replaceAll("_", " ")}`}
            count={count}
            of={newest}
            tone="bg-danger"
          />
        ))}
      </dl>
      <p className="mt-4 border-line border-t pt-3 text-muted text-small">
        Since the log began: {number(outcomes.applied)} applied, {number(outcomes.duplicate)} duplicates,{" "}
        {number(outcomes.conflict)} conflicts, {number(outcomes.refused)} refused, {number(outcomes.voided)} voided.
      </p>
    </Card>
  );
}

function Share({ name, count, of, tone }: { name: string; count: number; of: number; tone: string }) {
  const share = of === 0 ? 0 : (count / of) * 100;
  return (
    <div className="grid grid-cols-[1fr_auto] gap-x-3 text-small">
      <dt>{name}</dt>
      <dd className="tabular text-muted">
        <span className="font-semibold text-ink">{number(count)}</span> · {percent(share, 0)}
      </dd>
      <dd aria-hidden className="col-span-2 mt-1 h-1.5 overflow-hidden rounded-pill bg-raised">
        <div className={`h-full rounded-pill ${tone}`} style={{ width: `${share}%` }} />
      </dd>
    </div>
  );
}
