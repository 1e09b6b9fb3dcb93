import { useQuery } from "@tanstack/react-query";
import { Search as Glass, X } from "lucide-react";
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useState } from "react";
import { CONTROL } from "@/components/ui/field";
import { isPlayerId } from "@/lib/identity";
import { type Found, searchQuery } from "../api/search";

/** Milliseconds of quiet before a search. */
const QUIET = 180;

/** Finds a player by the beginning of a name or id; a combobox as WAI-ARIA has it. */
export function Search({ onPick, label = "Find a player" }: { onPick: (id: string) => void; label?: string }) {
  const id = useId();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const wanted = useQuiet(text.trim());
  const { data, isError, isFetching } = useQuery(searchQuery(useDeferredValue(wanted)));
  const found = text.trim() === "" ? [] : (data ?? []);
  const shown = open && text.trim() !== "";

  const pick = (player: string) => {
    setText("");
    setOpen(false);
    onPick(player);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setOpen(true);
      setActive((active + step + found.length) % found.length);
    } else if (event.key === "Enter") {
      const chosen = found[active]?.id ?? (isPlayerId(text.trim()) ? text.trim() : found[0]?.id);
      if (chosen !== undefined) pick(chosen);
    } else if (event.key === "Escape") setOpen(false);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only notices that the focus has left the input and its list
    <div className="relative" onBlur={event => !event.currentTarget.contains(event.relatedTarget) && setOpen(false)}>
      <label htmlFor={id} className="mb-1 block font-semibold text-muted text-small">
        {label}
      </label>
      <div className="relative">
        <Glass aria-hidden className="pointer-events-none absolute start-3 top-3 size-4 text-muted" />
        <input
          id={id}
          role="combobox"
          aria-expanded={shown}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={shown && active >= 0 ? `${id}-${active}` : undefined}
          autoComplete="off"
          spellCheck={false}
          maxLength={64}
          placeholder="Name or id"
          value={text}
          onChange={event => {
            setText(event.currentTarget.value);
            setOpen(true);
            setActive(-1);
          }}
          onFocus={() => setOpen(true)}
          onKeyDown={onKeyDown}
          className={`${CONTROL} border-edge ps-9 pe-9`}
        />
        {text !== "" && (
          <button
            type="button"
            aria-label="Clear the search"
            onClick={() => setText("")}
            className="absolute end-0 top-0 grid size-10 place-items-center text-muted hover:text-ink"
          >
            <X aria-hidden className="size-4" />
          </button>
        )}
      </div>
      <Matches id={id} hidden={!shown} found={found} active={active} onPick={pick}>
        {isError
          ? "The search does not answer now; Enter goes to exactly this id"
          : isFetching || wanted !== text.trim()
            ? "Searching…"
            : "Nobody is called so"}
      </Matches>
    </div>
  );
}

interface MatchesProps {
  id: string;
  hidden: boolean;
  found: readonly Found[];
  active: number;
  onPick: (id: string) => void;
  /** What is said when nobody was found. */
  children: string;
}

function Matches({ id, hidden, found, active, onPick, children }: MatchesProps) {
  return (
    <div
      hidden={hidden}
      className="absolute inset-x-0 top-full z-20 mt-1 overflow-hidden rounded-control border border-edge bg-surface py-1 shadow-float"
    >
      <div id={`${id}-list`} role="listbox" aria-label="Players">
        {found.map((player, index) => (
          <div
            key={player.id}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            onPointerDown={event => event.preventDefault()}
            onClick={() => onPick(player.id)}
            onKeyDown={event => event.key === "Enter" && onPick(player.id)}
            className={`flex min-h-10 cursor-pointer items-center gap-2 px-3 hover:bg-raised ${index === active ? "bg-raised" : ""}`}
          >
            <bdi dir="auto" className="truncate font-semibold">
              {player.name}
            </bdi>
            {player.name !== player.id && <span className="truncate text-muted text-small">{player.id}</span>}
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="px-3 py-2 text-muted text-small">{children}</p>}
    </div>
  );
}

function useQuiet(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), QUIET);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
