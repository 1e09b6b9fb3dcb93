import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Loaded } from "@/components/ui/loaded";
import { EmptyState, Skeleton } from "@/components/ui/states";
import { Table, Td, Th } from "@/components/ui/table";
import { ago, counted, date, dateTime } from "@/lib/format";
import { type BoardInfo, boardsQuery, seasonsQuery } from "../api/operations";

/** The boards and, on demand, their seasons. `retire` is there for those who may. */
export function Boards({ retire }: { retire: ((board: BoardInfo) => void) | null }) {
  const boards = useQuery(boardsQuery());
  return (
    <Card title="Boards and seasons" flush>
      <Loaded query={boards} what="the boards" waiting={<Skeleton className="m-4 h-24" />}>
        {found =>
          found.length === 0 ? (
            <EmptyState title="No board is defined" />
          ) : (
            <ul>
              {found.map(board => (
                <Item key={board.board_id} board={board} retire={retire} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}

function Item({ board, retire }: { board: BoardInfo; retire: ((board: BoardInfo) => void) | null }) {
  const [isOpen, setOpen] = useState(false);
  const { definition, season } = board;
  return (
    <li className="border-line border-t">
      <details onToggle={event => setOpen(event.currentTarget.open)}>
        <summary className="flex list-none flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 hover:bg-raised tablet:px-5">
          <ChevronRight aria-hidden className={`size-4 shrink-0 text-muted transition ${isOpen ? "rotate-90" : ""}`} />
          <span className="min-w-0 max-w-[calc(100%-2rem)] break-words font-semibold">{definition.title}</span>
          {board.retired ? <Badge tone="warn">retired</Badge> : <Badge tone="good">open</Badge>}
          <span className="text-muted text-small tablet:ms-auto">
            {definition.operator}, {definition.order === "desc" ? "most first" : "least first"} · season {season.season}
            {season.ends_at !== null && <time dateTime={season.ends_at}>, ends {ago(season.ends_at)}</time>}
          </span>
        </summary>
        <div className="pb-3">
          <dl className="flex flex-wrap gap-x-6 gap-y-1 px-4 pb-2 text-small tablet:px-5">
            <Fact name="Id">{board.board_id}</Fact>
            <Fact name="Revision">{board.revision}</Fact>
            <Fact name="Modes">{definition.game_modes.join(", ")}</Fact>
            <Fact name="Resets">{definition.reset}</Fact>
            <Fact name="Equals">{definition.ties.replaceAll("_", " ")}</Fact>
          </dl>
          {isOpen && <Seasons board={board.board_id} />}
          {retire !== null && !board.retired && (
            <p className="px-4 pt-3 tablet:px-5">
              <Button onClick={() => retire(board)}>Retire this board…</Button>
            </p>
          )}
        </div>
      </details>
    </li>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div className="flex gap-1.5">
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Seasons({ board }: { board: string }) {
  const seasons = useQuery(seasonsQuery(board));
  return (
    <Loaded query={seasons} what="the seasons" waiting={<Skeleton className="m-4 h-16" />}>
      {found =>
        found.length === 0 ? (
          <EmptyState title="Nobody has played in a season yet" />
        ) : (
          <Table aria-label={`Seasons of ${board}`}>
            <thead>
              <tr>
                <Th>Season</Th>
                <Th>Began</Th>
                <Th>Ends</Th>
                <Th>Results</Th>
              </tr>
            </thead>
            <tbody>
              {found.map(({ season, starts_at, ends_at, results }) => (
                <tr key={season}>
                  <Td className="font-semibold">{season}</Td>
                  <Td>
                    {season === "all" ? (
                      "–"
                    ) : (
                      <time dateTime={starts_at} title={dateTime(starts_at)}>
                        {date(starts_at)}
                      </time>
                    )}
                  </Td>
                  <Td>
                    {ends_at === null ? (
                      "never"
                    ) : (
                      <time dateTime={ends_at} title={dateTime(ends_at)}>
                        {date(ends_at)}
                      </time>
                    )}
                  </Td>
                  <Td className="text-muted">
                    {results.length === 0
                      ? "–"
                      : results.map(({ kind, players, digest }) => (
                          <span key={kind} className="block" title={`SHA-256 ${digest}`}>
                            {kind}: {counted(players, "player")}
                          </span>
                        ))}
                  </Td>
                </tr>
              ))}
            </tbody>
          </Table>
        )
      }
    </Loaded>
  );
}
