import { cx } from "@/components/ui/class-names";

/** A disc in a colour of the player's own, with the first letter of the name. */
export function Avatar({ id, name, className }: { id: string; name: string; className?: string }) {
  return (
    <span
      aria-hidden
      style={{ "--hue": hueOf(id) } as React.CSSProperties}
      className={cx("avatar grid size-8 shrink-0 place-items-center rounded-pill font-bold text-small", className)}
    >
      {[...name][0]?.toLocaleUpperCase()}
    </span>
  );
}

function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  // Ids that differ only at the end are to be far apart on the wheel: the high bits are mixed into the low ones.
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) % 360;
}
