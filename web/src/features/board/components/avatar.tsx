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
  let hash = 7;
  for (const letter of id) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return hash;
}
