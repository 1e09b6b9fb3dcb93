import { Pause, Play } from "lucide-react";
import { Button } from "@/components/ui/button";
import { cx } from "@/components/ui/class-names";
import { counted, time } from "@/lib/format";

interface ToolbarProps {
  /** "around": the rows around a player instead of the first. */
  view: "top" | "around";
  /** Whom the rows are around, or could be. */
  around: string | null;
  /** Around whom is me. */
  mine: boolean;
  onView: (view: "top" | "around") => void;
  paused: boolean;
  onPause: (paused: boolean) => void;
  waiting: number;
  onRelease: () => void;
  total: number | null;
  /** What is shown is of this moment, and nothing newer is to be had. */
  asOf: number | null;
}

/** Above the rows: which rows, and whether they move. Its height never changes. */
export function Toolbar({
  view,
  around,
  onView,
  paused,
  onPause,
  waiting,
  onRelease,
  total,
  asOf,
  mine,
}: ToolbarProps) {
  return (
    <div className="flex h-12 items-center gap-2 px-2 tablet:h-14 tablet:px-3">
      <fieldset aria-label="Which rows" className="flex rounded-control bg-raised p-0.5">
        <Tab active={view === "top"} onClick={() => onView("top")}>
          Top
        </Tab>
        <Tab active={view === "around"} onClick={() => onView("around")} disabled={around === null}>
          {mine || around === null ? "Around me" : "Around"}
        </Tab>
      </fieldset>
      {asOf !== null ? (
        <span className="truncate font-semibold text-gold text-small max-tablet:hidden">As of {time(asOf)}</span>
      ) : (
        total !== null && (
          <span className="tabular truncate text-muted text-small max-tablet:hidden">{counted(total, "player")}</span>
        )
      )}
      <div className="ms-auto flex items-center gap-2">
        {waiting > 0 && (
          <Button
            look="accent"
            onClick={onRelease}
            className="h-9"
            title="The rows stand still while you point at them"
          >
            {counted(waiting, "change")} waiting
          </Button>
        )}
        <Button
          look={paused ? "accent" : "quiet"}
          onClick={() => onPause(!paused)}
          aria-pressed={paused}
          aria-label={paused ? "Let the rows move" : "Pause the rows"}
          className="h-9 max-tablet:w-9 max-tablet:px-0"
        >
          {paused ? <Play aria-hidden className="size-4" /> : <Pause aria-hidden className="size-4" />}
          <span className="max-tablet:hidden">{paused ? "Paused" : "Pause"}</span>
        </Button>
      </div>
    </div>
  );
}

interface TabProps {
  active: boolean;
  disabled?: boolean;
  onClick: () => void;
  children: string;
}

function Tab({ active, ...rest }: TabProps) {
  return (
    <button
      type="button"
      aria-pressed={active}
      {...rest}
      className={cx(
        "h-9 whitespace-nowrap rounded-small px-3 font-semibold text-small transition disabled:cursor-not-allowed disabled:opacity-55",
        active ? "bg-cyan/12 text-ink ring-1 ring-cyan/50 ring-inset" : "text-muted enabled:hover:text-ink",
      )}
    />
  );
}
