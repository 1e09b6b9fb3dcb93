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
    new Flights().launch(row, 0, { x: 0, y: 96 });
    expect(state.from).toBe("translate(0px, 96px)");
  });

  test("one that flies goes on from where it is seen", () => {
    const { row, state, cancel } = makeRow();
    const flights = new Flights();
    flights.launch(row, 0, { x: 0, y: 100 });
    state.progress = 0.75;
    flights.launch(row, 2, { x: 0, y: -96 });
    expect(state.from).toBe("translate(0px, -71px)");
    expect(cancel).toHaveBeenCalledOnce();
    state.progress = null; // over, and not yet told
    flights.launch(row, 0, { x: 0, y: 96 });
    expect(state.from).toBe("translate(0px, 96px)");
  });

  test("one whose place is another's now lands, the others fly on", () => {
    const [one, other] = [makeRow(), makeRow()];
    const flights = new Flights();
    flights.launch(one.row, 0, { x: 0, y: 48 });
    flights.launch(other.row, 1, { x: 0, y: 48 });
    flights.land(place => [other.row, other.row][place]);
    expect(one.cancel).toHaveBeenCalledOnce();
    expect(other.cancel).not.toHaveBeenCalled();
  });

  test("who has arrived is forgotten", () => {
    const { row, state, cancel } = makeRow();
    const flights = new Flights();
    flights.launch(row, 0, { x: 0, y: 48 });
    state.finish();
    flights.land(() => undefined);
    expect(cancel).not.toHaveBeenCalled();
  });

  test("nothing flies for who wants less motion", async () => {
    vi.spyOn(window, "matchMedia").mockReturnValue({ matches: true } as MediaQueryList);
    vi.resetModules();
    const { Flights: Still } = await import("./flights");
    const { row, state } = makeRow();
    new Still().launch(row, 0, { x: 0, y: 48 });
    expect(state.from).toBe("");
  });
});
