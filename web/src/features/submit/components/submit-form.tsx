import { Dices } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { number } from "@/lib/format";
import { useIdentity } from "@/lib/identity";
import type { PendingScore } from "@/lib/pending";
import type { FieldError } from "@/lib/problem";
import { suggestName } from "../names";
import { type Bounds, parseScore, playerError } from "../validation";

interface SubmitFormProps {
  mode: string;
  bounds: Bounds;
  busy: boolean;
  /** What the server found wrong with the last one. */
  errors: readonly FieldError[];
  onSubmit: (score: PendingScore) => void;
}

/** Who, and how many points. What the server would refuse is said before it is sent. */
export function SubmitForm({ mode, bounds, busy, errors, onSubmit }: SubmitFormProps) {
  const { playerId, playAs } = useIdentity();
  const [player, setPlayer] = useState(() => playerId ?? suggestName());
  const [score, setScore] = useState("");
  const [tried, setTried] = useState(false);
  const wrongPlayer = playerError(player);
  const parsed = parseScore(score, bounds);
  const said = (field: string) => errors.find(error => error.field === field)?.expected;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (wrongPlayer !== null || "error" in parsed) return;
    playAs(player);
    setTried(false);
    onSubmit({ playerId: player, mode, score: parsed.score });
  };

  return (
    <form onSubmit={submit} noValidate className="grid gap-3">
      <Field
        label="Play as"
        value={player}
        maxLength={64}
        autoComplete="nickname"
        autoCapitalize="none"
        spellCheck={false}
        hint={playerId === null ? "A suggestion: take it, or type your own" : undefined}
        error={(tried ? wrongPlayer : null) ?? said("user_id")}
        onChange={event => setPlayer(event.currentTarget.value)}
        adornment={
          <Button look="quiet" icon aria-label="Suggest another name" onClick={() => setPlayer(suggestName())}>
            <Dices aria-hidden className="size-5" />
          </Button>
        }
      />
      <Field
        label="Score"
        value={score}
        inputMode={bounds.minimum < 0 ? "text" : "numeric"}
        autoComplete="off"
        placeholder={
          bounds.maximum < Number.MAX_SAFE_INTEGER ? `${number(bounds.minimum)} to ${number(bounds.maximum)}` : "1200"
        }
        error={(tried && "error" in parsed ? parsed.error : undefined) ?? said("score")}
        onChange={event => setScore(event.currentTarget.value)}
      />
      <Button look="primary" type="submit" busy={busy} className="mt-1 w-full">
        {busy ? "Counting…" : "Submit the score"}
      </Button>
    </form>
  );
}
