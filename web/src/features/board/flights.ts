/** Elements on their way from where they were to where they are now; only their transforms change. */

interface Aloft {
  readonly animation: Animation;
  readonly place: number;
  readonly from: Offset;
}

/** Pixels from the own place. */
interface Offset {
  readonly x: number;
  readonly y: number;
}

/** Milliseconds of a flight: shorter than the pace of the board. */
const DURATION = 260;
/** As --ease-settle. */
const EASING = "cubic-bezier(0.2, 0.8, 0.2, 1)";
/** Rows that come in one after the other, and the milliseconds between two of them. */
const ENTERING = 16;
const STAGGER = 22;

const still = window.matchMedia("(prefers-reduced-motion: reduce)");

/** Who flies is known by name: the element that shows it may be another at each place. */
export class Flights {
  readonly #aloft = new Map<string, Aloft>();

  /** Who is at a place now, in an element, was so far from it. Who flies already goes on from where that is seen. */
  launch(id: string, place: number, element: Element, was: Offset): void {
    const seen = this.#seen(id);
    this.#land(id);
    if (still.matches) return;
    const from = { x: was.x + seen.x, y: was.y + seen.y };
    const path = [{ transform: `translate(${from.x}px, ${from.y}px)` }, { transform: "translate(0, 0)" }];
    const animation = element.animate(path, { duration: DURATION, easing: EASING });
    animation.onfinish = () => this.#aloft.delete(id);
    this.#aloft.set(id, { animation, place, from });
  }

  /** Whoever flies to a place that is another's now is not seen flying any more; `at` tells whose a place is. */
  land(at: (place: number) => string | undefined): void {
    for (const [id, { place }] of this.#aloft) if (at(place) !== id) this.#land(id);
  }

  #land(id: string): void {
    this.#aloft.get(id)?.animation.cancel();
    this.#aloft.delete(id);
  }

  /** How far from its place somebody is seen. No measurement: it follows from the time. */
  #seen(id: string): Offset {
    const aloft = this.#aloft.get(id);
    const left = aloft === undefined ? 0 : 1 - (aloft.animation.effect?.getComputedTiming().progress ?? 1);
    return { x: left * (aloft?.from.x ?? 0), y: left * (aloft?.from.y ?? 0) };
  }
}

/** Let the first rows come in, each a little after the one above it. */
export function enter(rows: Iterable<Element>): void {
  if (still.matches) return;
  [...rows].slice(0, ENTERING).forEach((row, place) => {
    row.animate([{ opacity: 0, translate: "0 0.5rem" }, {}], {
      duration: 320,
      delay: STAGGER * place,
      easing: EASING,
      fill: "backwards",
    });
  });
}
