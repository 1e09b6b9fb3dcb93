import { type RefObject, useLayoutEffect, useState } from "react";
import { useStore } from "zustand";
import { Calm, type Calmed } from "./calm";
import type { Visible } from "./moves";
import type { Source } from "./rows";

/** Pixels of a row, unless the reader's letters are larger than usual. */
export const ROW = 48;

type Body = HTMLTableSectionElement;

/** What to show of a source, and how to show the latest of it although it is held. `rows` is where they are. */
export function useCalm(source: Source, held: boolean, rows: RefObject<Body | null>): Calmed & { release: () => void } {
  const [calm] = useState(() => new Calm(() => onScreen(rows.current)));
  useLayoutEffect(() => calm.follow(source), [calm, source]);
  useLayoutEffect(() => calm.hold(held), [calm, held]);
  return { ...useStore(calm.store), release: () => calm.release() };
}

/** The height of a row; all have the same. */
export const rowHeight = (body: Body): number => body.rows[0]?.offsetHeight || ROW;

/** Which places are on the screen; one measurement for all. */
function onScreen(rows: Body | null): Visible {
  if (rows === null) return () => false;
  const { top } = rows.getBoundingClientRect();
  const height = rowHeight(rows);
  const first = -top / height - 1;
  const last = (window.innerHeight - top) / height;
  return place => place >= first && place <= last;
}
