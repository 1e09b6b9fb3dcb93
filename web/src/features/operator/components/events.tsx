import { useInfiniteQuery } from "@tanstack/react-query";
import { Pause, Play, ScrollText, Undo2 } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Earlier } from "@/components/ui/earlier";
import { Loaded } from "@/components/ui/loaded";
import { EmptyState, Skeleton } from "@/components/ui/states";
import { Table, Td, Th } from "@/components/ui/table";
import { paths } from "@/config/paths";
import { dateTime, number, time } from "@/lib/format";
import { eventsQuery, type LoggedEvent } from "../api/operations";
import { summaryOf } from "../figures";

/** The end of the log. `revoke` is there for those who may. */
export function Events({ revoke }: { revoke: ((player: string, event: string) => void) | null }) {
  const [isHeld, setHeld] = useState(false);
  const found = useInfiniteQuery(eventsQuery(isHeld));
  const isReadingOn = (found.data?.pages.length ?? 0) > 1;
  return (
    <Card
      title="Newest facts of the log"
      flush
      actions={
        <Button aria-pressed={isHeld || isReadingOn} disabled={isReadingOn} onClick={() => setHeld(!isHeld)}>
          {isHeld || isReadingOn ? <Play aria-hidden className="size-4" /> : <Pause aria-hidden className="size-4" />}
          {isHeld || isReadingOn ? "Held" : "Hold"}
        </Button>
      }
    >
      <Loaded query={found} what="the log" waiting={<Skeleton className="m-4 h-64" />}>
        {({ pages }) => <Listed events={pages.flatMap(page => page.events)} revoke={revoke} />}
      </Loaded>
      <Earlier query={found} />
    </Card>
  );
}

interface ListedProps {
  events: readonly LoggedEvent[];
  revoke: ((player: string, event: string) => void) | null;
}

function Listed({ events, revoke }: ListedProps) {
  if (events.length === 0) return <EmptyState icon={<ScrollText aria-hidden />} title="The log is empty" />;
  return (
    <Table aria-label="Newest facts of the log">
      <thead>
        <tr>
          <Th>At</Th>
          <Th>Fact</Th>
          <Th className="max-tablet:hidden">Player</Th>
          <Th className="max-tablet:hidden">Says</Th>
          <Th numeric className="max-tablet:hidden">
            Place
          </Th>
          {revoke !== null && (
            <Th>
              <span className="sr-only">Actions</span>
            </Th>
          )}
        </tr>
      </thead>
      <tbody>
        {events.map(event => (
          <Row key={`${event.partition}-${event.offset}`} event={event} revoke={revoke} />
        ))}
      </tbody>
    </Table>
  );
}

function Row({ event, revoke }: { event: LoggedEvent; revoke: ListedProps["revoke"] }) {
  const { at, type, player_id, event_id, partition, offset } = event;
  const summary = summaryOf(event, number);
  return (
    <tr>
      <Td className="tabular whitespace-nowrap align-top">
        <time dateTime={at} title={dateTime(at)}>
          {time(at)}
        </time>
      </Td>
      <Td className="align-top">
        <span className="font-semibold">{type}</span>
        <span className="block text-muted text-small tablet:hidden">
          {player_id !== null && <Player id={player_id} />} {summary}
        </span>
      </Td>
      <Td className="align-top max-tablet:hidden">{player_id === null ? "–" : <Player id={player_id} />}</Td>
      <Td className="break-words align-top text-muted max-tablet:hidden">{summary}</Td>
      <Td numeric className="whitespace-nowrap align-top font-mono text-muted text-small max-tablet:hidden">
        {partition}-{offset}
      </Td>
      {revoke !== null && (
        <Td className="py-2 text-end align-top">
          {type === "ScoreSubmitted" && player_id !== null && event_id !== null && (
            <Button
              look="quiet"
              icon
              className="-my-2"
              title="Revoke this score…"
              aria-label={`Revoke the score ${event_id} of ${player_id}`}
              onClick={() => revoke(player_id, event_id)}
            >
              <Undo2 aria-hidden className="size-4" />
            </Button>
          )}
        </Td>
      )}
    </tr>
  );
}

function Player({ id }: { id: string }) {
  return (
    <Link
      href={paths.player.href(id)}
      className="break-all underline decoration-edge underline-offset-4 hover:decoration-cyan"
    >
      {id}
    </Link>
  );
}
