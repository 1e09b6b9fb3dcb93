import { Skeleton } from "@/components/ui/states";

/** Where rows will be. */
export function SkeletonRows({ count }: { count: number }) {
  return (
    <div role="status" aria-label="Loading the board">
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
        <div key={index} className="flex h-12 items-center gap-4 border-line border-t px-4">
          <Skeleton className="size-7 rounded-pill" />
          <Skeleton className="h-4 w-40 max-w-[40%]" />
          <Skeleton className="ms-auto h-4 w-20" />
        </div>
      ))}
    </div>
  );
}
