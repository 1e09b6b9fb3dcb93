import { ArrowDown, ArrowUp, Medal } from "lucide-react";
import * as m from "motion/react-m";
import { Link } from "wouter";
import { Card } from "@/components/ui/card";
import { cx } from "@/components/ui/class-names";
import { EmptyState } from "@/components/ui/states";
import { paths } from "@/config/paths";
import { ago, counted, dateTime, number, percent } from "@/lib/format";
import { useChannel, useMe } from "@/lib/use-live";
import type { BoardRank } from "../api/player";
import { type Standing, standingOf } from "../standing";
import { useFollow } from "../use-follow";

const METALS = ["text-gold", "text-silver", "text-bronze"];

/** Where the player stands on a board, kept up to date. */
export function RankCard({ id, asked }: { id: string; asked: BoardRank }) {
  const me = useChannel(useMe(asked.board_id, id), state => state);
  useFollow(id, me.source === null ? null : `${asked.board_id} ${me.season} ${me.rank} ${me.score}`);
  const standing = standingOf(me, asked);
  return (
    <Card
      title={asked.title}
      actions={
        <Link
          href={paths.board.href({ board: asked.board_id, player: id })}
          className="text-cyan text-small underline underline-offset-4"
        >
          On the board
        </Link>
      }
      className="h-full"
    >
      {standing === null ? (
        <EmptyState icon={<Medal aria-hidden />} title="Not ranked any more">
          The row on this board is gone: the season has ended, or its scores were revoked.
        </EmptyState>
      ) : (
        <Ranked standing={standing} />
      )}
    </Card>
  );
}

function Ranked({ standing }: { standing: Standing }) {
  const { rank, total, percentile, score, gap, games, at } = standing;
  return (
    <>
      <p className="flex flex-wrap items-baseline gap-x-3">
        <m.span
          key={rank}
          initial={{ opacity: 0, y: 12 }}
          animate={{ opacity: 1, y: 0 }}
          className={cx("tabular font-bold font-display text-[3.5rem] leading-none", METALS[rank - 1] ?? "text-ink")}
        >
          <span className="sr-only">Rank </span>
          <span aria-hidden className="text-muted text-title">
            #
          </span>
          {number(rank)}
        </m.span>
        <span className="text-muted">of {counted(total, "player")}</span>
        <Moved by={standing.moved} />
      </p>
      {percentile !== null && <Percentile value={percentile} />}
      <dl className="mt-5 grid grid-cols-2 gap-x-4 gap-y-4">
        <Figure name="Score">{number(score)}</Figure>
        <Figure name="To the next rank">{rank === 1 ? "leads" : gap === null ? "…" : number(gap)}</Figure>
        <Figure name="Games">{games === null ? "…" : number(games)}</Figure>
        <Figure name="Last counted">
          {at === null ? (
            "…"
          ) : (
            <time dateTime={at} title={dateTime(at)}>
              {ago(at)}
            </time>
          )}
        </Figure>
      </dl>
    </>
  );
}

function Percentile({ value }: { value: number }) {
  return (
    <div className="mt-4">
      <p className="text-small">
        <span className="font-semibold">{percent(value)}</span>
        <span className="text-muted"> of the players are no better</span>
      </p>
      <div aria-hidden className="mt-1.5 h-1.5 overflow-hidden rounded-pill bg-raised">
        <div className="h-full rounded-pill bg-cyan transition-[width] duration-500" style={{ width: `${value}%` }} />
      </div>
    </div>
  );
}

function Moved({ by }: { by: number | null }) {
  if (by === null) return null;
  const Arrow = by > 0 ? ArrowUp : ArrowDown;
  return (
    <span className={cx("tabular inline-flex items-center gap-1 font-semibold", by > 0 ? "text-lime" : "text-magenta")}>
      <Arrow aria-hidden className="size-4" />
      <span className="sr-only">{by > 0 ? "up" : "down"}</span>
      {number(Math.abs(by))}
    </span>
  );
}

function Figure({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt className="text-micro text-muted uppercase tracking-wider">{name}</dt>
      <dd className="tabular font-display font-semibold text-lead">{children}</dd>
    </div>
  );
}
