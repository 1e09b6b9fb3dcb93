/** Tell how many milliseconds the page is busy with what begins now: its scripts, and the frame that draws it. */
export function measureCost(told: (cost: number) => void): void {
  const began = performance.now();
  afterwards(() => {
    const scripts = performance.now() - began;
    requestAnimationFrame(() => {
      const frame = performance.now();
      afterwards(() => told(scripts + performance.now() - frame));
    });
  });
}

/** When the page is done with what it is at; unlike a timer, not a moment later. */
function afterwards(call: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    call();
  };
  port2.postMessage(null);
}
