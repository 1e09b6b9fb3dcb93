import { describe, expect, test, vi } from "vitest";
import { Flights } from "./flights";

/** A row, how far its animation has come, and how it was started. */
function makeRow() {
  const row = document.createElement("tr");
  const state = { progress: 0 as number | null, from: "", finish: () => {} };
  const cancel = vi.fn();
  row.animate = keyframes => {
    state.from = String((keyframes as Keyframe[])[0]?.transform);
    state.progress = 0;
    const effect = { getComputedTiming: () => ({ progress: state.progress }) };
    const animation = { effect, cancel, onfinish: () => {} };
    state.finish = () => animation.onfinish();
    return animation as unknown as Animation;
  };
  return { row, state, cancel };
}

describe("flights", () => {
  test("a row comes from where it was to its place", () => {
    const { row, state } = makeRow();
    new Flights().launch("ann", 0, row, { x: 0, y: 96 });
    expect(state.from).toBe("translate(0px, 96px)");
  });

  test("who flies goes on from where that is seen, in another element", () => {
    const [first, second] = [makeRow(), makeRow()];
    const flights = new Flights();
    flights.launch("ann", 0, first.row, { x: 0, y: 100 });
    first.state.progress = 0.75;
    flights.launch("ann", 2, second.row, { x: 0, y: -96 });
    expect(second.state.from).toBe("translate(0px, -71px)");
    expect(first.cancel).toHaveBeenCalledOnce();
    second.state.progress = null; // over, and not yet told
    flights.launch("ann", 0, first.row, { x: 0, y: 96 });
    expect(first.state.from).toBe("translate(0px, 96px)");
  });

  test("who flies to a place that is another's now lands, the others fly on", () => {
    const [one, other] = [makeRow(), makeRow()];
    const flights = new Flights();
    flights.launch("ann", 0, one.row, { x: 0, y: 48 });
    flights.launch("bob", 1, other.row, { x: 0, y: 48 });
    flights.land(place => ["cyd", "bob"][place]);
    expect(one.cancel).toHaveBeenCalledOnce();
    expect(other.cancel).not.toHaveBeenCalled();
  });

  test("who has arrived is forgotten", () => {
    const { row, state, cancel } = makeRow();
    const flights = new Flights();
    flights.launch("ann", 0, row, { x: 0, y: 48 });
    state.finish();
    flights.land(() => undefined);
    expect(cancel).not.toHaveBeenCalled();
  });

  test("nothing flies for who wants less motion", async () => {
    vi.spyOn(window, "matchMedia").mockReturnValue({ matches: true } as MediaQueryList);
    vi.resetModules();
    const { Flights: Still } = await import("./flights");
    const { row, state } = makeRow();
    new Still().launch("ann", 0, row, { x: 0, y: 48 });
    expect(state.from).toBe("");
  });
});
