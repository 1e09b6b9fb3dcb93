import { CircleAlert, CircleCheck, X } from "lucide-react";
import { create } from "zustand";
import { announce } from "@/lib/announce";

interface Toast {
  id: number;
  tone: "good" | "bad";
  text: string;
}

interface Toasts {
  shown: readonly Toast[];
  show: (tone: Toast["tone"], text: string) => void;
  dismiss: (id: number) => void;
}

/** At most this many at once; the oldest gives way. */
const MOST = 3;
const LIFETIME = 8000;
let last = 0;

export const useToasts = create<Toasts>()((set, get) => ({
  shown: [],
  show: (tone, text) => {
    const id = ++last;
    announce(text);
    set({ shown: [...get().shown, { id, tone, text }].slice(-MOST) });
    setTimeout(() => get().dismiss(id), LIFETIME);
  },
  dismiss: id => set({ shown: get().shown.filter(toast => toast.id !== id) }),
}));

/** Where toasts appear; once in the app. */
export function Toaster() {
  const { shown, dismiss } = useToasts();
  return (
    <div className="pointer-events-none fixed inset-x-4 bottom-4 z-50 flex flex-col items-center gap-2">
      {shown.map(toast => (
        <div
          key={toast.id}
          className="pointer-events-auto flex max-w-full items-center gap-3 rounded-control border border-line bg-raised py-1 ps-4 pe-1 text-small shadow-float"
        >
          {toast.tone === "good" ? (
            <CircleCheck aria-hidden className="size-5 shrink-0 text-lime" />
          ) : (
            <CircleAlert aria-hidden className="size-5 shrink-0 text-danger" />
          )}
          <span className="min-w-0 break-words">{toast.text}</span>
          <button
            type="button"
            aria-label="Dismiss"
            onClick={() => dismiss(toast.id)}
            className="grid size-9 shrink-0 place-items-center rounded-control text-muted hover:text-ink"
          >
            <X aria-hidden className="size-4" />
          </button>
        </div>
      ))}
    </div>
  );
}
