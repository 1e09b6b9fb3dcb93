import { ChevronDown } from "lucide-react";
import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "@/components/ui/class-names";
import { CONTROL } from "@/components/ui/field";

export interface Option {
  value: string;
  label: string;
}

interface SelectProps extends Omit<ComponentProps<"select">, "onChange"> {
  label: ReactNode;
  options: readonly Option[];
  onPick: (value: string) => void;
}

/** A native select: the phone's own wheel, and every key that a keyboard user expects. */
export function Select({ label, options, onPick, id, className, ...rest }: SelectProps) {
  const own = useId();
  const field = id ?? own;
  return (
    <div className={className}>
      <label htmlFor={field} className="mb-1 block font-semibold text-muted text-small">
        {label}
      </label>
      <div className="relative">
        <select
          {...rest}
          id={field}
          onChange={event => onPick(event.currentTarget.value)}
          className={cx(CONTROL, "cursor-pointer appearance-none truncate border-edge pe-9")}
        >
          {options.map(option => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <ChevronDown aria-hidden className="pointer-events-none absolute end-3 top-3 size-4 text-muted" />
      </div>
    </div>
  );
}
