import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "@/components/ui/class-names";

export const CONTROL =
  "h-10 w-full min-w-0 rounded-control border bg-canvas px-3 text-body text-ink placeholder:text-muted disabled:opacity-55";

interface FieldProps extends ComponentProps<"input"> {
  label: ReactNode;
  hint?: ReactNode;
  /** Why the value will not do. */
  error?: string | undefined;
  /** A control that sits at the end of the input. */
  adornment?: ReactNode;
}

/** A labelled input with its hint and its error. */
export function Field({ label, hint, error, adornment, id, className, ...rest }: FieldProps) {
  const own = useId();
  const field = id ?? own;
  const note = error ?? hint;
  return (
    <div className={className}>
      <label htmlFor={field} className="mb-1 block font-semibold text-muted text-small">
        {label}
      </label>
      <div className="relative flex items-center">
        <input
          {...rest}
          id={field}
          aria-invalid={error !== undefined || undefined}
          aria-describedby={note !== undefined ? `${field}-note` : undefined}
          className={cx(
            CONTROL,
            error !== undefined ? "border-danger" : "border-edge",
            adornment !== undefined && "pe-12",
          )}
        />
        {adornment !== undefined && <div className="absolute end-0">{adornment}</div>}
      </div>
      {note !== undefined && (
        <p id={`${field}-note`} className={cx("mt-1 text-small", error !== undefined ? "text-danger" : "text-muted")}>
          {note}
        </p>
      )}
    </div>
  );
}
