import { Check, CircleAlert, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { counted, number } from "@/lib/format";
import type { PendingScore } from "@/lib/pending";
import type { Counted, Progress } from "../submitting";
import { Climb } from "./climb";

interface OutcomeProps {
  progress: Progress;
  score: PendingScore;
  onAgain: () => void;
}

/** What is becoming of a score. A rank is shown only when the server has said it. */
export function Outcome({ progress, score, onAgain }: OutcomeProps) {
  if (progress.kind === "counted") return <CountedScore answer={progress.answer} score={score} />;
  if (progress.kind === "failed")
    return (
      <Box tone="border-danger" role="alert">
        <p className="flex items-start gap-2 text-small">
          <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
          <span className="min-w-0 break-words">
            {progress.problem.passing ? "Not confirmed" : "Not counted"}: {progress.problem.message}
          </span>
        </p>
        {(progress.problem.passing || progress.problem.status === 202) && (
          <Button className="mt-3 w-full" onClick={onAgain} title="It carries the same key: it cannot count twice">
            Try the same again
          </Button>
        )}
      </Box>
    );
  return (
    <Box tone="border-line">
      <p className="flex items-center gap-2 text-small">
        <LoaderCircle aria-hidden className="size-4 shrink-0 animate-spin text-cyan" />
        <span>
          <strong className="tabular">{number(score.score)}</strong> pending
          {progress.kind === "waiting" && <span className="text-muted"> · {progress.why}; trying again</span>}
        </span>
      </p>
    </Box>
  );
}

function CountedScore({ answer, score }: { answer: Counted; score: PendingScore }) {
  const others = answer.boards?.slice(1) ?? [];
  return (
    <Box tone="border-lime/60">
      <p className="flex items-center gap-2 text-muted text-small">
        <Check aria-hidden className="size-4 shrink-0 text-lime" />
        <span>
          <span className="tabular font-semibold text-ink">{number(score.score)}</span> counted
          {answer.replayed && " before"}
        </span>
      </p>
      <Climb
        rank={answer.new_rank}
        by={answer.rank_change}
        best={answer.boards?.[0]?.personal_best ?? false}
        id={answer.event_id}
      />
      <p className="text-center text-muted text-small">
        <span className="tabular">{number(answer.new_total)}</span> on the board
        {answer.boards?.[0]?.gap ? ` · ${number(answer.boards[0].gap)} to the next rank` : ""}
      </p>
      {others.length > 0 && (
        <ul className="mt-3 grid gap-1 border-line border-t pt-3 text-small">
          {others.map(each => (
            <li key={each.board_id} className="flex justify-between gap-2">
              <span className="truncate text-muted">{each.board_id}</span>
              <span className="tabular shrink-0">{effectOf(each)}</span>
            </li>
          ))}
        </ul>
      )}
    </Box>
  );
}

function effectOf(board: NonNullable<Counted["boards"]>[number]): string {
  if (!board.counted) return (board.reason ?? "not counted").replaceAll("_", " ");
  if (board.new_rank === null) return "counted";
  const gained = board.old_rank === null ? 0 : board.old_rank - board.new_rank;
  return `#${number(board.new_rank)}${gained > 0 ? `, up ${counted(gained, "place")}` : ""}`;
}

function Box({ tone, children, ...rest }: { tone: string; role?: "alert"; children: ReactNode }) {
  return (
    <div {...rest} className={`relative mt-4 overflow-hidden rounded-control border bg-canvas p-3 ${tone}`}>
      {children}
    </div>
  );
}
