import { useState } from "react";
import { compact, counted, date, dateTime, number, time } from "@/lib/format";
import { type Chart, nearest, type Spot } from "../chart";

const DAY_MS = 86_400_000;

/** A line of steps. A pointer or the arrow keys read it point by point. */
export function ScoreChart({ chart }: { chart: Chart }) {
  const { spots, ticks } = chart;
  const last = spots.length - 1;
  const [picked, setPicked] = useState<number | null>(null);
  const at = Math.min(picked ?? last, last);
  const spot = spots[at];
  if (spot === undefined) return null;
  const move = (event: React.KeyboardEvent) => {
    const to = nextOf(event.key, at, last);
    if (to === null) return;
    event.preventDefault();
    setPicked(to);
  };
  const point = (event: React.PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    setPicked(nearest(spots, ((event.clientX - box.left) / box.width) * 100));
  };
  return (
    <figure>
      <div className="flex h-56 tablet:h-64" dir="ltr">
        <Values ticks={ticks} />
        <div
          role="slider"
          tabIndex={0}
          aria-label="Points of the score's history"
          aria-valuemin={1}
          aria-valuemax={spots.length}
          aria-valuenow={at + 1}
          aria-valuetext={`${number(spot.score)} on ${dateTime(spot.at)}`}
          onKeyDown={move}
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={() => setPicked(null)}
          onBlur={() => setPicked(null)}
          className="relative min-w-0 flex-1 touch-pan-y rounded-small"
        >
          <Plot chart={chart} />
          {picked !== null && <Reading spot={spot} />}
          <span
            aria-hidden
            style={{ insetInlineStart: `${spot.x}%`, top: `${spot.y}%` }}
            className="absolute size-2.5 -translate-x-1/2 -translate-y-1/2 rounded-pill bg-cyan ring-4 ring-surface"
          />
        </div>
      </div>
      <Times chart={chart} />
      <figcaption className="sr-only">{`${counted(spots.length, "change")} of the score, the last to ${number(spots[last]?.score ?? 0)}`}</figcaption>
    </figure>
  );
}

function Plot({ chart: { line, area, ticks } }: { chart: Chart }) {
  return (
    <svg aria-hidden viewBox="0 0 100 100" preserveAspectRatio="none" className="absolute inset-0 size-full">
      <defs>
        <linearGradient id="below" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor="var(--cyan)" stopOpacity="0.28" />
          <stop offset="1" stopColor="var(--cyan)" stopOpacity="0.02" />
        </linearGradient>
      </defs>
      {ticks.map(({ y, value }) => (
        <path key={value} d={`M0 ${y}H100`} className="stroke-line" vectorEffect="non-scaling-stroke" />
      ))}
      <path d={area} fill="url(#below)" />
      <path d={line} className="fill-none stroke-2 stroke-cyan" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

function Values({ ticks }: Pick<Chart, "ticks">) {
  return (
    <div aria-hidden className="tabular relative me-2 w-11 text-end text-micro text-muted">
      {ticks.map(({ y, value }) => (
        <span key={value} style={{ top: `${y}%` }} className="absolute end-0 -translate-y-1/2">
          {compact(value)}
        </span>
      ))}
    </div>
  );
}

/** What a point says, kept inside of the chart. */
function Reading({ spot }: { spot: Spot }) {
  return (
    <p
      aria-hidden
      style={{
        insetInlineStart: `${spot.x}%`,
        top: `${Math.max(spot.y, 24)}%`,
        translate: `${-spot.x}% calc(-100% - 0.75rem)`,
      }}
      className="pointer-events-none absolute z-10 whitespace-nowrap rounded-control border border-line bg-raised px-2.5 py-1 text-small shadow-float"
    >
      <span className="tabular block font-semibold">{number(spot.score)}</span>
      <span className="block text-micro text-muted">{dateTime(spot.at)}</span>
    </p>
  );
}

function Times({ chart: { from, to, isToNow } }: { chart: Chart }) {
  const shown = to - from > 2 * DAY_MS ? date : time;
  return (
    <p aria-hidden className="mt-1 flex justify-between ps-13 text-micro text-muted">
      <span>{shown(from)}</span>
      <span>{isToNow ? "now" : shown(to)}</span>
    </p>
  );
}

function nextOf(key: string, at: number, last: number): number | null {
  switch (key) {
    case "ArrowRight":
    case "ArrowUp":
      return Math.min(at + 1, last);
    case "ArrowLeft":
    case "ArrowDown":
      return Math.max(at - 1, 0);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
