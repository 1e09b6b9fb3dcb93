import { CloudOff } from "lucide-react";
import type { ReactNode } from "react";
import { EmptyState, ErrorState } from "@/components/ui/states";

interface Query<T> {
  data: T | undefined;
  error: unknown;
  fetchStatus: "fetching" | "paused" | "idle";
  refetch: () => unknown;
}

interface LoadedProps<T> {
  query: Query<T>;
  /** What is being asked for, as in "the history". */
  what: string;
  waiting: ReactNode;
  children: (data: T) => ReactNode;
}

/** The answer to a query, for as long as there is one; until then what there is to say instead. */
export function Loaded<T>({ query, what, waiting, children }: LoadedProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null)
    return <ErrorState title={`Not to be had now: ${what}`} error={query.error} retry={() => void query.refetch()} />;
  if (query.fetchStatus === "paused")
    return (
      <EmptyState icon={<CloudOff aria-hidden />} title="You are offline">
        {`When the network is back, ${what} will be here.`}
      </EmptyState>
    );
  return (
    <div role="status" aria-busy="true">
      <span className="sr-only">{`Asking for ${what}`}</span>
      {waiting}
    </div>
  );
}
