import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import { enter, Flights } from "./flights";
import type { Shown } from "./moves";
import { rowHeight } from "./use-calm";

/** The rows of a body come in one after the other, and later fly to their places. */
export function useFlights(body: RefObject<HTMLTableSectionElement | null>, shown: Shown | null): void {
  const [flights] = useState(() => new Flights());
  const entered = useRef<Element | null>(null);
  useLayoutEffect(() => {
    const rows = body.current;
    if (rows === null || shown === null) return;
    const height = shown.flights.length > 0 ? rowHeight(rows) : 0;
    for (const { id, place, from } of shown.flights) {
      const row = rows.rows[place];
      if (row !== undefined) flights.launch(id, place, row, { x: 0, y: from * height });
    }
    flights.land(place => shown.standing.rows[place]?.id);
    if (entered.current !== rows) enter(rows.rows);
    entered.current = rows;
  }, [body, shown, flights]);
}
