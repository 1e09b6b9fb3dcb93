import { useInfiniteQuery } from "@tanstack/react-query";
import { Check, Gamepad2 } from "lucide-react";
import { Badge } from "@/components/ui/badge";
import { Card } from "@/components/ui/card";
import { Earlier } from "@/components/ui/earlier";
import { Loaded } from "@/components/ui/loaded";
import { EmptyState, Skeleton } from "@/components/ui/states";
import { Table, Td, Th } from "@/components/ui/table";
import { ago, dateTime, number, titleOf } from "@/lib/format";
import { type Submission, submissionsQuery } from "../api/player";

/** What a player has submitted of late, and what became of it. */
export function Sessions({ id }: { id: string }) {
  const found = useInfiniteQuery(submissionsQuery(id));
  return (
    <Card title="Recent sessions" flush>
      <Loaded query={found} what="the sessions" waiting={<Waiting />}>
        {({ pages }) => <Listed sessions={pages.flatMap(page => page.submissions)} />}
      </Loaded>
      <Earlier query={found} />
    </Card>
  );
}

function Listed({ sessions }: { sessions: readonly Submission[] }) {
  if (sessions.length === 0) return <EmptyState icon={<Gamepad2 aria-hidden />} title="No game played yet" />;
  return (
    <Table aria-label="Recent sessions">
      <thead>
        <tr>
          <Th>When</Th>
          <Th className="max-tablet:hidden">Mode</Th>
          <Th numeric>Score</Th>
          <Th>
            <span className="max-tablet:sr-only">Outcome</span>
          </Th>
        </tr>
      </thead>
      <tbody>
        {sessions.map(session => (
          <tr key={session.event_id}>
            <Td className="whitespace-nowrap">
              <time dateTime={session.submitted_at} title={dateTime(session.submitted_at)}>
                {ago(session.submitted_at)}
              </time>
              <span className="block text-muted text-small tablet:hidden">{titleOf(session.game_mode)}</span>
            </Td>
            <Td className="max-tablet:hidden">{titleOf(session.game_mode)}</Td>
            <Td numeric className="font-semibold">
              {number(session.score)}
            </Td>
            <Td>
              <Outcome session={session} />
            </Td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Outcome({ session }: { session: Submission }) {
  const { outcome, reason, revoked, boards } = session;
  if (revoked) return <Badge tone="bad">revoked</Badge>;
  if (outcome === "refused")
    return (
      <Badge tone="warn" className="max-tablet:whitespace-normal">
        refused: {(reason ?? "no reason").replaceAll("_", " ")}
      </Badge>
    );
  if (boards.length === 0) return <Badge>counts nowhere</Badge>;
  return (
    <span className="flex items-center gap-1.5">
      <Check aria-hidden className="size-4 shrink-0 text-lime" />
      <span className="max-tablet:sr-only">counts on {boards.join(", ")}</span>
    </span>
  );
}

function Waiting() {
  return (
    <div className="space-y-2 p-4">
      {["first", "second", "third"].map(row => (
        <Skeleton key={row} className="h-10 w-full" />
      ))}
    </div>
  );
}
