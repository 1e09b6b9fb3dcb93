/** Elements on their way from where they were to where they are now; only their transforms change. */

interface Aloft {
  readonly animation: Animation;
  /** Which place it flies to. */
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

export class Flights {
  readonly #aloft = new Map<Element, Aloft>();

  /** An element is at another place now, and `was` so far from it. One that flies goes on from where it is seen. */
  launch(element: Element, place: number, was: Offset): void {
    const seen = this.#seen(element);
    this.#aloft.get(element)?.animation.cancel();
    this.#aloft.delete(element);
    if (still.matches) return;
    const from = { x: was.x + seen.x, y: was.y + seen.y };
    const path = [{ transform: `translate(${from.x}px, ${from.y}px)` }, { transform: "translate(0, 0)" }];
    const animation = element.animate(path, { duration: DURATION, easing: EASING });
    animation.onfinish = () => this.#aloft.delete(element);
    this.#aloft.set(element, { animation, place, from });
  }

  /** Those that fly to where `at` has another element now are there at once. */
  land(at: (place: number) => Element | undefined): void {
    for (const [element, { animation, place }] of this.#aloft) {
      if (at(place) === element) continue;
      animation.cancel();
      this.#aloft.delete(element);
    }
  }

  /** How far from its place an element is seen. No measurement: it follows from the time. */
  #seen(element: Element): Offset {
    const aloft = this.#aloft.get(element);
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
