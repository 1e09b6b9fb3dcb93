import { useInfiniteQuery } from "@tanstack/react-query";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Of, type Start, tailQuery } from "../api/entries";
import { type Row, shareOf } from "../rows";
import { ROW } from "../use-calm";
import { BoardRow } from "./board-row";
import { BODY } from "./board-table";
import { TailHead } from "./tail-head";

/** Milliseconds after which a tail that does not join the rows above is read again. */
const MENDED = 4000;

interface TailProps {
  of: Of;
  /** The last of the rows above. */
  after: Row;
  /** Players who stand above already. */
  above: ReadonlySet<string>;
  leader: number;
  me: string | null;
}

/** The long tail: bodies of the board's table of which only the rows near the screen exist. */
export default function Tail({ of, after, above, leader, me }: TailProps) {
  const [start, setStart] = useState<Start | null>(null);
  const [near, head] = useNear();
  const query = useInfiniteQuery(tailQuery(of, start));
  const { data, dataUpdatedAt, isFetching } = query;
  const jumped = start !== null && "rank" in start;
  const rows = useMemo(() => {
    const all = data?.pages.flatMap(page => page.rows) ?? [];
    return jumped ? all : all.filter(row => !above.has(row.id));
  }, [data, above, jumped]);
  const anchor = after.id;
  const below = useCallback(() => setStart({ after: anchor }), [anchor]);
  // Rows above are live, those below of one moment: who has fallen from the one into the other is read in time.
  const torn = data?.pages.length === 1 && !jumped && (rows[0]?.rank ?? 0) > after.rank + 1;
  useEffect(() => {
    if (near && start === null) below();
    if (!near || !torn || isFetching) return;
    const timer = setTimeout(below, Math.max(0, dataUpdatedAt + MENDED - Date.now()));
    return () => clearTimeout(timer);
  }, [near, start, below, torn, isFetching, dataUpdatedAt]);
  return (
    <>
      <tbody {...BODY} ref={head}>
        <TailHead query={query} onJump={rank => (rank === null ? below() : setStart({ rank }))} onRefresh={below} />
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
    <tbody {...BODY} ref={body}>
      <Spacer height={before} />
      {items.map(({ key, index }) => {
        const row = rows[index];
        return (
          row && (
            <BoardRow
              key={key}
              row={row}
              index={row.rank - 1}
              share={shareOf(row.value, leader)}
              board={board}
              mine={row.id === me}
            />
          )
        );
      })}
      <Spacer height={after + (hasNextPage && rows.length > 0 ? 4 * ROW : 0)} />
    </tbody>
  );
}

const Spacer = ({ height }: { height: number }) =>
  height > 0 && (
    <tr aria-hidden className="block">
      <td className="block" style={{ height }} />
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
    const observer = new IntersectionObserver(([entry]) => entry && setNear(entry.isIntersecting), {
      rootMargin: "800px",
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [near, element] as const;
}
