import { Link } from "wouter";
import { Card } from "@/components/ui/card";
import { cx } from "@/components/ui/class-names";
import { Table, Td, Th } from "@/components/ui/table";
import { paths } from "@/config/paths";
import { number, percent } from "@/lib/format";
import type { BoardRank } from "../api/player";

/** The ranks of a player on all boards; the one that the page shows is marked. */
export function BoardRanks({ id, ranks, shown }: { id: string; ranks: readonly BoardRank[]; shown: string }) {
  return (
    <Card title="On all boards" flush>
      <Table aria-label="Ranks on all boards">
        <thead>
          <tr>
            <Th>Board</Th>
            <Th numeric>Rank</Th>
            <Th numeric>Score</Th>
            <Th numeric className="max-tablet:hidden">
              To the next
            </Th>
            <Th numeric className="max-tablet:hidden">
              Percentile
            </Th>
          </tr>
        </thead>
        <tbody>
          {ranks.map(rank => (
            <Row key={rank.board_id} id={id} rank={rank} isShown={rank.board_id === shown} />
          ))}
        </tbody>
      </Table>
    </Card>
  );
}

function Row({ id, rank: { board_id, title, season, total_players, entry }, isShown }: RowProps) {
  return (
    <tr className={cx("transition hover:bg-raised", isShown && "bg-raised")}>
      <Td>
        <Link
          href={paths.player.href(id, { board: board_id })}
          aria-current={isShown ? "true" : undefined}
          className="font-semibold underline decoration-edge underline-offset-4 hover:decoration-cyan"
        >
          {title}
        </Link>
        {season !== "all" && <span className="block text-muted text-small">{season}</span>}
      </Td>
      <Td numeric>
        {number(entry.rank)}
        <span className="block text-micro text-muted">of {number(total_players)}</span>
      </Td>
      <Td numeric>{number(entry.score)}</Td>
      <Td numeric className="max-tablet:hidden">
        {entry.gap === null ? "–" : number(entry.gap)}
      </Td>
      <Td numeric className="max-tablet:hidden">
        {percent(entry.percentile)}
      </Td>
    </tr>
  );
}

interface RowProps {
  id: string;
  rank: BoardRank;
  isShown: boolean;
}
