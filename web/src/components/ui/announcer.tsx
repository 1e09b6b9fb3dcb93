import { useAnnouncer } from "@/lib/announce";

/** Where the app speaks; once in the app, and not seen. */
export function Announcer() {
  return (
    <div role="status" className="sr-only">
      {useAnnouncer(state => state.text)}
    </div>
  );
}
