import { Button } from "@/components/ui/button";

interface EarlierProps {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}

/** The way to the page before, below a list that has the newest first; nothing where that was the last. */
export function Earlier({ query }: EarlierProps) {
  if (!query.hasNextPage) return null;
  return (
    <div className="p-4 text-center">
      <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        Show earlier ones
      </Button>
    </div>
  );
}
