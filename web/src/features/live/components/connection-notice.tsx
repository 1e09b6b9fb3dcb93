import { PlugZap, RotateCw } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { useLive, useLiveStatus } from "@/lib/use-live";
import { explained } from "../words";

/** A connection that is made again sooner than this is nobody's concern. */
const PATIENCE_MS = 3_000;

/** Why the page is not live, and what can be done about it; nothing while there is nothing to say. */
export function ConnectionNotice() {
  const live = useLive();
  const text = useLiveStatus(explained);
  const advice = useLiveStatus(status => status.end?.advice ?? null);
  const isDue = useLasts(text !== null, PATIENCE_MS);
  if (text === null || !(isDue || advice !== null)) return null;
  return (
    <aside
      aria-label="Connection"
      className="mx-auto mt-3 flex max-w-7xl flex-wrap items-center gap-x-4 gap-y-2 px-3 tablet:px-6"
    >
      <p className="flex min-w-0 flex-1 basis-64 items-center gap-3 rounded-control border border-gold/50 bg-surface px-4 py-2 text-small">
        <PlugZap aria-hidden className="size-5 shrink-0 text-gold" />
        <span className="min-w-0 break-words">{text}</span>
        {advice === "reload" ? (
          <Button className="ms-auto" onClick={() => window.location.reload()}>
            <RotateCw aria-hidden className="size-4" /> Load anew
          </Button>
        ) : (
          <Button className="ms-auto" onClick={() => live.retry()}>
            {advice === "connect" ? "Connect" : "Try now"}
          </Button>
        )}
      </p>
    </aside>
  );
}

/** Whether something has been so for a while. */
function useLasts(isSo: boolean, ms: number): boolean {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    if (!isSo) return;
    const timer = setTimeout(() => setLasts(true), ms);
    return () => {
      clearTimeout(timer);
      setLasts(false);
    };
  }, [isSo, ms]);
  return lasts;
}
