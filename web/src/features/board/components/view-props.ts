/** What every way to look at a board needs. */
export interface ViewProps {
  board: string;
  title: string;
  /** Null: the present one. */
  season: string | null;
  me: string | null;
  /** Whom the rows are around, or would be. */
  around: string | null;
  onView: (view: "top" | "around") => void;
  onPlayer: (player: string) => void;
}
