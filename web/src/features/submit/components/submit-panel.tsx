import { titleOf } from "@/lib/format";
import { useSubmit } from "../use-submit";
import type { Bounds } from "../validation";
import { Outcome } from "./outcome";
import { SubmitForm } from "./submit-form";

export interface SubmitPanelProps {
  board: string;
  mode: string;
  bounds: Bounds;
}

/** Submit a score, and see what it did. */
export function SubmitPanel({ board, mode, bounds }: SubmitPanelProps) {
  const { progress, score, busy, send, again } = useSubmit(board);
  const errors = progress?.kind === "failed" ? progress.problem.errors : [];
  return (
    <>
      <p className="mb-3 text-muted text-small">
        Game mode <span className="font-semibold text-ink">{titleOf(mode)}</span>
      </p>
      <SubmitForm mode={mode} bounds={bounds} busy={busy} errors={errors} onSubmit={send} />
      {progress !== null && score !== null && <Outcome progress={progress} score={score} onAgain={again} />}
    </>
  );
}
