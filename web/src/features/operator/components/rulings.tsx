import { type FormEvent, useState } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import type { Wish } from "../api/rulings";

/** What a form begins with. */
export interface Draft {
  kind: Ruling["kind"];
  player: string;
  event: string;
}

type Ruling = Exclude<Wish, { kind: "retire" }>;

const KINDS: readonly { value: Ruling["kind"]; label: string }[] = [
  { value: "ban", label: "Ban a player" },
  { value: "reinstate", label: "Reinstate a player" },
  { value: "revoke", label: "Revoke a score" },
  { value: "restore", label: "Restore a score" },
];
const PLAYER = "[A-Za-z0-9_.:\\-]{1,64}";
const EVENT = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const REASON = "[a-z0-9][a-z0-9_\\-]{0,63}";

/** Say what is wanted; what it would change is shown before anything happens. */
export function Rulings({ draft, wish }: { draft: Draft; wish: (wish: Wish) => void }) {
  const [kind, setKind] = useState(draft.kind);
  const isOfScore = kind === "revoke" || kind === "restore";
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const [player, reason] = [text("player"), text("reason")];
    if (kind === "revoke" || kind === "restore") wish({ kind, id: text("event"), player, reason });
    else wish({ kind, id: player, reason });
  };
  return (
    <Card title="Rulings">
      <form onSubmit={submit} className="grid gap-3 tablet:grid-cols-2">
        <Select label="Ruling" options={KINDS} value={kind} onPick={picked => setKind(kindOf(picked))} />
        <Field
          label="Player"
          name="player"
          defaultValue={draft.player}
          required
          pattern={PLAYER}
          autoComplete="off"
          title="a player’s id"
        />
        {isOfScore && (
          <Field
            label="Event id of the score"
            name="event"
            defaultValue={draft.event}
            required
            pattern={EVENT}
            autoComplete="off"
            title="as in the log below"
          />
        )}
        <Field
          label="Reason"
          name="reason"
          defaultValue="cheating"
          required
          pattern={REASON}
          title="a code such as cheating"
          hint="A code, no free text: the log is for ever."
        />
        <div className="flex items-end tablet:col-span-2">
          <Button type="submit" look="primary">
            See what would change…
          </Button>
        </div>
      </form>
    </Card>
  );
}

const kindOf = (value: string): Ruling["kind"] => KINDS.find(each => each.value === value)?.value ?? "ban";
