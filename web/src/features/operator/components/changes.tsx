import { ArrowRight } from "lucide-react";
import { Table, Td, Th } from "@/components/ui/table";
import { number } from "@/lib/format";
import type { Change } from "../api/rulings";

const MOST = 50;

/** The rows that would change, before and after. */
export function Changes({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0)
    return <p className="rounded-control bg-raised px-4 py-3 text-small">No row of any board would change.</p>;
  return (
    <section
      className="max-h-64 overflow-y-auto rounded-control border border-line"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
      tabIndex={0}
      aria-label="Rows that would change"
    >
      <Table aria-label="What would change">
        <thead>
          <tr>
            <Th>Board</Th>
            <Th numeric>Now</Th>
            <Th>
              <span className="sr-only">becomes</span>
            </Th>
            <Th numeric>Then</Th>
          </tr>
        </thead>
        <tbody>
          {changes.slice(0, MOST).map(({ board_id, season, before, after }) => (
            <tr key={`${board_id} ${season}`}>
              <Td>
                {board_id}
                {season !== "all" && <span className="block text-muted text-small">{season}</span>}
              </Td>
              <Td numeric>
                <Row row={before} />
              </Td>
              <Td>
                <ArrowRight aria-hidden className="size-4 text-muted" />
              </Td>
              <Td numeric>
                <Row row={after} />
              </Td>
            </tr>
          ))}
        </tbody>
      </Table>
      {changes.length > MOST && (
        <p className="px-4 py-2 text-muted text-small">and {number(changes.length - MOST)} more</p>
      )}
    </section>
  );
}

function Row({ row }: { row: Change["before"] }) {
  if (row === null) return <span className="whitespace-nowrap text-muted">no row</span>;
  return (
    <>
      {row.rank !== null && <span className="font-semibold">#{number(row.rank)} </span>}
      <span className="block text-muted text-small">{number(row.value)}</span>
    </>
  );
}
