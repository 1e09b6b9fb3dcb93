import { RotateCw } from "lucide-react";
import { type FormEvent, useId } from "react";
import { Button } from "@/components/ui/button";
import { time } from "@/lib/format";
import { unreachable } from "@/lib/problem";
import { CELL, ROW } from "./board-table";

interface TailHeadProps {
  query: { dataUpdatedAt: number; isFetching: boolean; error: unknown; refetch: () => unknown };
  /** To a rank; null: to where the rows above end. */
  onJump: (rank: number | null) => void;
  onRefresh: () => void;
}

/** Between the live rows and the tail: of when the tail is, and a way to any rank of it. */
export function TailHead({ query, onJump, onRefresh }: TailHeadProps) {
  const field = useId();
  const jump = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const rank = Math.floor(Number(new FormData(event.currentTarget).get("rank")));
    onJump(rank >= 1 ? rank : null);
  };
  const failed = query.error !== null;
  return (
    <tr {...ROW} className="block">
      <td {...CELL} className="block border-line border-t bg-raised px-3 tablet:px-5">
        <div className="flex h-12 items-center gap-2 text-muted text-small">
          <span className="truncate">
            {failed ? (
              unreachable(query.error).message
            ) : query.dataUpdatedAt > 0 ? (
              <>
                <span className="max-tablet:sr-only">Below: as of </span>
                {time(query.dataUpdatedAt)}
              </>
            ) : (
              "More rows below"
            )}
          </span>
          <Button
            look="quiet"
            icon
            aria-label={failed ? "Try again" : "Read the rows below anew"}
            busy={query.isFetching}
            onClick={() => {
              onRefresh();
              query.refetch();
            }}
            className="size-9"
          >
            <RotateCw aria-hidden className={query.isFetching ? "size-4 animate-spin" : "size-4"} />
          </Button>
          <form onSubmit={jump} className="ms-auto flex items-center gap-2">
            <label htmlFor={field} className="max-tablet:sr-only">
              Go to rank
            </label>
            <input
              id={field}
              name="rank"
              inputMode="numeric"
              pattern="[0-9]{1,9}"
              title="A rank, such as 5000"
              placeholder="Rank"
              className="h-9 w-20 rounded-control border border-edge bg-canvas px-2 text-ink placeholder:text-muted"
            />
            <Button type="submit" className="h-9 px-3">
              Go
            </Button>
          </form>
        </div>
      </td>
    </tr>
  );
}
