import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Loaded } from "@/components/ui/loaded";
import { EmptyState, Skeleton } from "@/components/ui/states";
import { useToasts } from "@/components/ui/toast";
import { unreachable } from "@/lib/problem";
import { useAdminKey } from "../admin-key";
import { perform, rehearse, type Wish } from "../api/rulings";
import { newKey } from "../new-key";
import { Changes } from "./changes";

const TITLES: Record<Wish["kind"], string> = {
  ban: "Ban this player?",
  reinstate: "Reinstate this player?",
  revoke: "Revoke this score?",
  restore: "Restore this score?",
  retire: "Retire this board?",
};
const DOES: Record<Wish["kind"], string> = {
  ban: "The player disappears from every board, past seasons too, and what they submit is refused.",
  reinstate: "The player is back on every board, as before the ban.",
  revoke: "The score counts nowhere any more.",
  restore: "The score counts again, as of when it was submitted.",
  retire: "The board takes no scores any more, for ever; its rows stay and can be read.",
};
const REHEARSAL = "rehearsal";

interface WishDialogProps {
  wish: Wish | null;
  adminKey: string;
  onClose: () => void;
}

/** First what it would change, then the id to be typed, and only then the deed. */
export function WishDialog({ wish, adminKey, onClose }: WishDialogProps) {
  return (
    <Dialog open={wish !== null} onClose={onClose} title={wish === null ? "" : TITLES[wish.kind]}>
      {wish !== null && <Confirm wish={wish} adminKey={adminKey} onClose={onClose} />}
    </Dialog>
  );
}

function Confirm({ wish, adminKey, onClose }: WishDialogProps & { wish: Wish }) {
  const [typed, setTyped] = useState("");
  const [key] = useState(newKey);
  const client = useQueryClient();
  const show = useToasts(state => state.show);
  const rehearsal = useQuery({
    queryKey: [REHEARSAL, wish],
    queryFn: ({ signal }) => rehearse(wish, adminKey, signal),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const deed = useMutation({
    mutationFn: () => perform(wish, adminKey, key),
    onSuccess: async () => {
      show("good", `Done: ${wish.kind} ${wish.id}`);
      onClose();
      await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== REHEARSAL });
    },
  });
  const isWrongKey = [rehearsal.error, deed.error].some(error => unreachable(error).status === 401);
  if (isWrongKey) return <WrongKey />;
  const isSure = typed.trim() === wish.id && rehearsal.data !== undefined;
  return (
    <form
      className="grid gap-4"
      onSubmit={event => {
        event.preventDefault();
        if (isSure) deed.mutate();
      }}
    >
      <p className="text-muted text-small">{DOES[wish.kind]}</p>
      <Loaded query={rehearsal} what="what would change" waiting={<Skeleton className="h-24" />}>
        {({ changes, modesLeft }) => (
          <>
            <Changes changes={changes} />
            {modesLeft.length > 0 && (
              <p className="text-gold text-small">No board would take scores of {modesLeft.join(", ")} any more.</p>
            )}
          </>
        )}
      </Loaded>
      <Field
        label={
          <>
            Type <span className="break-all font-mono text-ink">{wish.id}</span> to confirm
          </>
        }
        value={typed}
        onChange={event => setTyped(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
        error={deed.error === null ? undefined : unreachable(deed.error).message}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Leave it</Button>
        <Button type="submit" look="danger" disabled={!isSure} busy={deed.isPending}>
          {wish.kind.charAt(0).toUpperCase() + wish.kind.slice(1)}
        </Button>
      </div>
    </form>
  );
}

function WrongKey() {
  const give = useAdminKey(state => state.give);
  return (
    <EmptyState
      icon={<KeyRound aria-hidden />}
      title="This is not the admin key"
      action={<Button onClick={() => give(null)}>Give another one</Button>}
    >
      The server does not take the key of this tab. Nothing was changed.
    </EmptyState>
  );
}
