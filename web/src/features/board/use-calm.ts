import { type RefObject, useEffect, useRef, useState } from "react";
import { advance, countChanges, firstShown, isSameList, MARKED, type Shown, settle } from "./moves";
import type { Standing } from "./rows";

/** Milliseconds between two reorders: about two a second, however fast the scores come. */
export const PACE = 450;
/** Pixels of a row; all have the same, so that where a row is needs no measuring. */
export const ROW = 48;

interface Calm {
  shown: Shown | null;
  /** Rows that would change if the table were not held. */
  waiting: number;
  /** Show the latest now, once, although it is held. */
  release: () => void;
}

/** The latest rows, not faster than can be followed, and not at all while the table is held. */
export function useCalm(latest: Standing | null, held: boolean, rows: RefObject<HTMLElement | null>): Calm {
  const [shown, setShown] = useState<Shown | null>(null);
  const publishedAt = useRef(Number.NEGATIVE_INFINITY);
  const sameList = shown !== null && latest !== null && isSameList(shown.standing, latest);
  const behind = latest !== null && shown?.standing !== latest;

  useEffect(() => {
    if (latest === null || !behind || (held && sameList)) return;
    const publish = () => {
      publishedAt.current = performance.now();
      const visible = onScreen(rows.current);
      setShown(old => (old === null ? firstShown(latest, Date.now()) : advance(old, latest, Date.now(), visible)));
    };
    const wait = sameList ? publishedAt.current + PACE - performance.now() : 0;
    if (wait <= 0) return publish();
    const timer = setTimeout(publish, wait);
    return () => clearTimeout(timer);
  }, [latest, behind, held, sameList, rows]);

  const marked = shown !== null && shown.marks.size > 0;
  useEffect(() => {
    if (!marked) return;
    const timer = setInterval(() => setShown(old => old && settle(old, Date.now())), MARKED / 4);
    return () => clearInterval(timer);
  }, [marked]);

  return {
    shown: shown !== null && latest !== null && !sameList ? null : shown,
    waiting: held && behind && sameList ? countChanges(shown.standing, latest) : 0,
    release: () => {
      if (latest !== null && shown !== null) setShown(advance(shown, latest, Date.now(), onScreen(rows.current)));
    },
  };
}

/** Whether the row at an index is on the screen; one measurement for all. */
function onScreen(rows: HTMLElement | null): (index: number) => boolean {
  const top = rows?.getBoundingClientRect().top ?? 0;
  const first = -top / ROW - 1;
  const last = (window.innerHeight - top) / ROW;
  return index => index >= first && index <= last;
}
