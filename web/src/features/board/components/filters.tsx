import { useQuery } from "@tanstack/react-query";
import { Select } from "@/components/ui/select";
import type { BoardFilters } from "@/config/paths";
import { titleOf } from "@/lib/format";
import { seasonsQuery } from "../api/boards";
import { type Choice, primary } from "../choice";
import { seasonTitle } from "../words";

interface FiltersProps {
  choice: Choice;
  all: readonly Choice["board"][];
  season: string | null;
  onChange: (change: Partial<BoardFilters>) => void;
  className?: string;
}

/** Game mode, board and season. Another board takes the season with it, as their names differ. */
export function Filters({ choice, all, season, onChange, className }: FiltersProps) {
  const { board, mode } = choice;
  const resets = board.definition.reset !== "never";
  const { data: seasons } = useQuery({ ...seasonsQuery(board.board_id), enabled: resets });
  const past = (seasons ?? []).map(each => each.season).filter(name => name !== board.season.season);
  const pick = (change: Partial<BoardFilters>) => onChange({ season: "", player: "", ...change });
  return (
    <div className={className}>
      <Select
        label="Game mode"
        value={mode}
        options={choice.modes.map(value => ({ value, label: titleOf(value) }))}
        onPick={picked => pick({ mode: picked, board: primary(all, picked)?.board_id ?? "" })}
      />
      <Select
        label="Board"
        value={board.board_id}
        options={choice.boards.map(each => ({
          value: each.board_id,
          label: each.retired ? `${each.definition.title} (retired)` : each.definition.title,
        }))}
        onPick={picked => pick({ mode, board: picked })}
      />
      <Select
        label="Season"
        value={season ?? ""}
        disabled={!resets}
        options={[
          { value: "", label: resets ? `Now: ${board.season.season}` : "All time" },
          ...past.map(value => ({ value, label: seasonTitle(value) })),
        ]}
        onPick={picked => onChange({ season: picked })}
      />
    </div>
  );
}
