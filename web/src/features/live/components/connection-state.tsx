import { useEffect, useRef } from "react";
import { Badge } from "@/components/ui/badge";
import { announce } from "@/lib/announce";
import { useLiveStatus } from "@/lib/use-live";
import { spoken, wordsOf } from "../words";

/** The header's word on how fresh the page is; it is spoken when it changes. */
export function ConnectionState() {
  const status = useLiveStatus(each => each);
  const { tone, text, more } = wordsOf(status);
  const sentence = spoken(status);
  const known = useRef<string | null>(null);
  useEffect(() => {
    if (sentence === null) return;
    // That a page begins live is no news.
    if (known.current !== null && known.current !== sentence) announce(sentence);
    known.current = sentence;
  }, [sentence]);
  return (
    <Badge tone={tone}>
      <span aria-hidden className="size-1.5 rounded-pill bg-current" />
      <span className="tabular">
        <span className="sr-only">Connection: </span>
        {text}
        {more !== undefined && <span className="font-normal max-tablet:hidden"> · {more}</span>}
      </span>
    </Badge>
  );
}
