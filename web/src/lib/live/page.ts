/** What the page tells of itself: whether somebody looks at it, and whether there is a network. */

export interface PageListener {
  visible(): void;
  hidden(): void;
  online(): void;
  offline(): void;
}

/** Listen, beginning with whether somebody looks now, until the function that is returned is called. */
export function listenToPage(listener: PageListener): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  const seen = () => (document.visibilityState === "hidden" ? listener.hidden() : listener.visible());
  document.addEventListener("visibilitychange", seen, { signal });
  window.addEventListener("online", () => listener.online(), { signal });
  window.addEventListener("offline", () => listener.offline(), { signal });
  seen();
  return () => listening.abort();
}
