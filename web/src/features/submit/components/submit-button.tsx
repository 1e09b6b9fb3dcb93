import { Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { SubmitPanel, type SubmitPanelProps } from "./submit-panel";

/** Where there is no room beside the rows: the form rises over them. */
export function SubmitButton(props: SubmitPanelProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button look="primary" className="px-3" onClick={() => setOpen(true)}>
        <Plus aria-hidden className="size-4" /> Score
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} title="Submit a score" sheet>
        <SubmitPanel {...props} />
      </Dialog>
    </>
  );
}
