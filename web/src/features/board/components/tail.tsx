import { useInfiniteQuery } from "@tanstack/react-query";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { type Of, type Start, tailQuery } from "../api/entries";
import type { Row } from "../rows";
import { ROW } from "../use-calm";
import { BoardRow } from "./board-row";
import { TailHead } from "./tail-head";

interface TailProps {
  of: Of;
  /** Where the rows shown above end; null: there are no more. */
  cursor: string | null;
  /** Players who stand above already. */
  above: ReadonlySet<string>;
  leader: number;
  me: string | null;
}

/** The long tail: bodies of the board's table of which only the rows near the screen exist. */
export default function Tail({ of, cursor, above, leader, me }: TailProps) {
  const [start, setStart] = useState<Start | null>(null);
  const [near, head] = useNear();
  const below = useMemo(() => (cursor === null ? null : { cursor }), [cursor]);
  // Rows above are live, those below of one moment: the tail keeps the cursor that it began with.
  useEffect(() => {
    if (near && start === null && below !== null) setStart(below);
  }, [near, start, below]);
  const query = useInfiniteQuery(tailQuery(of, start));
  const jumped = start !== null && "rank" in start;
  const rows = useMemo(() => {
    const all = query.data?.pages.flatMap(page => page.rows) ?? [];
    return jumped ? all : all.filter(row => !above.has(row.id));
  }, [query.data, above, jumped]);
  if (below === null && start === null) return null;
  return (
    <>
      <tbody ref={head}>
        <TailHead
          query={query}
          onJump={rank => setStart(rank === null ? below : { rank })}
          onRefresh={() => setStart(below)}
        />
      </tbody>
      <TailRows rows={rows} query={query} leader={leader} me={me} board={of.board} head={head} />
    </>
  );
}

interface TailRowsProps {
  rows: readonly Row[];
  query: { hasNextPage: boolean; isFetching: boolean; fetchNextPage: () => unknown };
  leader: number;
  me: string | null;
  board: string;
  head: RefObject<HTMLElement | null>;
}

function TailRows({ rows, query, leader, me, board, head }: TailRowsProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW,
    getItemKey: index => rows[index]?.id ?? index,
    overscan: 12,
    scrollMargin: topOf(head.current) + ROW,
  });
  const items = virtualizer.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);
  const { hasNextPage, isFetching, fetchNextPage } = query;
  const atEnd = last !== undefined && last.index >= rows.length - 40;
  useEffect(() => {
    if (atEnd && hasNextPage && !isFetching) fetchNextPage();
  }, [atEnd, hasNextPage, isFetching, fetchNextPage]);
  const before = first === undefined ? 0 : first.start - virtualizer.options.scrollMargin;
  const after = last === undefined ? 0 : (rows.length - 1 - last.index) * ROW;
  return (
    <tbody ref={body}>
      <Spacer height={before} />
      {items.map(({ key, index }) => {
        const row = rows[index];
        return (
          row && (
            <BoardRow key={key} row={row} index={row.rank - 1} leader={leader} board={board} mine={row.id === me} />
          )
        );
      })}
      <Spacer height={after + (hasNextPage && rows.length > 0 ? 4 * ROW : 0)} />
    </tbody>
  );
}

const Spacer = ({ height }: { height: number }) =>
  height > 0 && (
    <tr aria-hidden>
      <td colSpan={6} style={{ height, padding: 0 }} />
    </tr>
  );

const topOf = (element: HTMLElement | null): number =>
  element === null ? 0 : element.getBoundingClientRect().top + window.scrollY;

/** Whether an element is on the screen or about to be. */
function useNear() {
  const [near, setNear] = useState(false);
  const element = useRef<HTMLTableSectionElement>(null);
  useEffect(() => {
    if (element.current === null) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && setNear(true), {
      rootMargin: "800px",
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [near, element] as const;
}
