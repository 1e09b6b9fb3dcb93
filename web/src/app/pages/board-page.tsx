import { Card } from "@/components/ui/card";
import type { Choice } from "@/features/board/choice";
import { BoardView } from "@/features/board/components/board-view";
import { SubmitButton } from "@/features/submit/components/submit-button";
import { SubmitPanel } from "@/features/submit/components/submit-panel";
import { boundsOf } from "@/features/submit/validation";

/** The board, and the form beside it; on smaller screens the form is behind a button. */
export function BoardPage() {
  return (
    <BoardView
      action={choice => <SubmitButton {...submission(choice)} />}
      aside={choice => (
        <Card title="Submit a score">
          <SubmitPanel {...submission(choice)} />
        </Card>
      )}
    />
  );
}

const submission = ({ board, boards, mode }: Choice) => ({ board: board.board_id, mode, bounds: boundsOf(boards) });
