import { type ReactNode, type RefObject, useEffect, useState } from "react";

interface PinnedProps {
  player: string;
  within: RefObject<HTMLElement | null>;
  /** Changes when other rows are shown. */
  rowsKey: number;
  children: ReactNode;
}

/** Sticks to the lower edge of the screen for as long as the player's row is not on it. */
export function Pinned({ player, within, rowsKey, children }: PinnedProps) {
  const [seen, setSeen] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other rows may be there, and mine among them
  useEffect(() => {
    const table = within.current?.closest("table");
    const row = table?.querySelector(`[data-player="${CSS.escape(player)}"]`);
    if (!row) return setSeen(false);
    const observer = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? false));
    observer.observe(row);
    return () => observer.disconnect();
  }, [player, within, rowsKey]);
  if (seen) return null;
  return <div className="sticky bottom-0 z-10 border-cyan border-t bg-surface">{children}</div>;
}
