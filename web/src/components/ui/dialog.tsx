import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "@/components/ui/button";
import { cx } from "@/components/ui/class-names";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  /** On phones it rises from the lower edge. */
  sheet?: boolean;
  children: ReactNode;
}

/** A native modal dialog: the browser keeps the focus in it, closes it on Escape and returns the focus. */
export function Dialog({ open, onClose, title, sheet = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click on the veil is a second way; Escape is the keyboard's
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onClose={onClose}
      onClick={event => event.target === dialog.current && onClose()}
      className={cx(
        "w-[min(32rem,100vw-2rem)] rounded-card border border-line bg-surface p-0 shadow-float backdrop:bg-veil",
        sheet ? "mx-auto mt-auto mb-4 tablet:m-auto" : "m-auto",
      )}
    >
      {open && (
        <div className="p-5">
          <header className="mb-4 flex items-center gap-3">
            <h2 id={heading} className="text-lead">
              {title}
            </h2>
            <Button look="quiet" icon aria-label="Close" className="-me-2 ms-auto" onClick={onClose}>
              <X aria-hidden className="size-5" />
            </Button>
          </header>
          {children}
        </div>
      )}
    </dialog>
  );
}
