import { type FocusEvent, type PointerEvent, useMemo, useState } from "react";

/** Whether somebody points at the rows or has the keyboard's focus in them; spread `handlers` on their element. */
export function useHold() {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const handlers = useMemo(
    () => ({
      onPointerEnter: () => setPointed(true),
      onPointerLeave: () => setPointed(false),
      // A finger has left when the browser takes the gesture over for scrolling.
      onPointerCancel: () => setPointed(false),
      onPointerUp: (event: PointerEvent) => event.pointerType !== "mouse" && setPointed(false),
      onFocus: (event: FocusEvent<HTMLElement>) => setFocused(event.target.matches(":focus-visible")),
      onBlur: (event: FocusEvent<HTMLElement>) =>
        !event.currentTarget.contains(event.relatedTarget) && setFocused(false),
    }),
    [],
  );
  return { held: pointed || focused, handlers };
}
