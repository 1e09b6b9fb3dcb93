import { KeyRound } from "lucide-react";
import type { FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { useAdminKey } from "../admin-key";

/** Where the admin key is given; without it this page only reads. */
export function KeyForm() {
  const give = useAdminKey(state => state.give);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    give(String(new FormData(event.currentTarget).get("key")));
  };
  return (
    <Card title="Read-only">
      <form onSubmit={submit} className="grid gap-3">
        <p className="text-muted text-small">
          With the admin key (<code>LEADERBOARD_ADMIN_KEY</code>) you can ban players, revoke scores and retire boards.
          It stays in this tab and is forgotten with it.
        </p>
        <Field label="Admin key" name="key" type="password" required minLength={16} autoComplete="off" />
        <Button type="submit" className="justify-self-start">
          <KeyRound aria-hidden className="size-4" /> Use it
        </Button>
      </form>
    </Card>
  );
}
