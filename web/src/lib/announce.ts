import { create } from "zustand";

/** Milliseconds between two sentences: a screen reader is not to be talked over. */
export const PAUSE = 6000;

interface Announcer {
  text: string;
  say: (text: string) => void;
}

/** The one voice of the app. Of what is said too fast only the last is spoken. */
export function makeAnnouncer(now: () => number = Date.now) {
  let spokenAt = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return create<Announcer>()(set => ({
    text: "",
    say: text => {
      clearTimeout(timer);
      const speak = () => {
        spokenAt = now();
        set({ text });
      };
      const wait = spokenAt + PAUSE - now();
      if (wait <= 0) speak();
      else timer = setTimeout(speak, wait);
    },
  }));
}

export const useAnnouncer = makeAnnouncer();

/** Say something to whoever listens to the page. */
export const announce = (text: string): void => useAnnouncer.getState().say(text);
