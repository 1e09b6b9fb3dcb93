/** Every address of the app: the pattern for the router, and a function that makes a link. */
export const paths = {
  board: { pattern: "/", href: (filters: Partial<BoardFilters> = {}) => withQuery("/", filters) },
  player: {
    pattern: "/players/:id",
    href: (id: string, filters: Partial<BoardFilters> = {}) => withQuery(`/players/${encodeURIComponent(id)}`, filters),
  },
  operator: { pattern: "/operator", href: () => "/operator" },
} as const;

/** What the board page shows; all of it lives in the address. */
export interface BoardFilters {
  mode: string;
  board: string;
  season: string;
  player: string;
}

function withQuery(path: string, filters: Partial<BoardFilters>): string {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
  return query ? `${path}?${query}` : path;
}
