import { SlidersHorizontal } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import type { BoardFilters } from "@/config/paths";
import { ago, dateTime } from "@/lib/format";
import type { Choice } from "../choice";
import { describe, seasonTitle } from "../words";
import { Filters } from "./filters";
import { Search } from "./search";

interface BoardHeadProps {
  choice: Choice;
  all: readonly Choice["board"][];
  season: string | null;
  onChange: (change: Partial<BoardFilters>) => void;
  action: ReactNode;
}

/** Which board this is, and the way to the others: in the open on a desk, behind one line on a phone. */
export function BoardHead(props: BoardHeadProps) {
  const { choice, season, onChange } = props;
  const [open, setOpen] = useState(false);
  const { definition, season: present } = choice.board;
  const find = (player: string) => {
    setOpen(false);
    onChange({ player });
  };
  return (
    <div className="mb-3 flex flex-wrap items-center gap-x-3 gap-y-4 tablet:mb-5">
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <h1 title={definition.title} className="line-clamp-2 min-w-0 break-words text-lead tablet:text-hero">
            {definition.title}
          </h1>
          <Badge tone={season === null ? "info" : "warn"}>{seasonTitle(season ?? present.season)}</Badge>
          {choice.board.retired && <Badge tone="warn">retired</Badge>}
        </div>
        <p className="mt-1 text-muted text-small max-tablet:hidden">
          {describe(definition)}
          {season === null && present.ends_at !== null && (
            <span title={dateTime(present.ends_at)}> · the season ends {ago(present.ends_at)}</span>
          )}
        </p>
      </div>
      <div className="flex items-center gap-2 desk:hidden">
        <Button icon aria-label="Board and search" className="tablet:hidden" onClick={() => setOpen(true)}>
          <SlidersHorizontal aria-hidden className="size-5" />
        </Button>
        {props.action}
      </div>
      <div className="hidden w-full grid-cols-[minmax(0,10rem)_minmax(0,15rem)_minmax(0,11rem)_minmax(0,1fr)] gap-3 tablet:grid">
        <Filters {...props} className="contents" />
        <div className="w-full max-w-80 justify-self-end">
          <Search onPick={find} />
        </div>
      </div>
      <Dialog open={open} onClose={() => setOpen(false)} title="Board & search" sheet>
        <div className="grid min-h-96 content-start gap-4">
          <Search onPick={find} />
          <Filters {...props} className="grid gap-4" />
          <p className="text-muted text-small">{describe(definition)}</p>
          <Button look="primary" onClick={() => setOpen(false)}>
            Show the board
          </Button>
        </div>
      </Dialog>
    </div>
  );
}
