import { Compass } from "lucide-react";
import { Link } from "wouter";
import { EmptyState } from "@/components/ui/states";
import { paths } from "@/config/paths";

export function NotFound() {
  return (
    <EmptyState icon={<Compass aria-hidden />} title="There is no page here">
      <Link href={paths.board.href()} className="text-cyan underline underline-offset-4">
        To the board
      </Link>
    </EmptyState>
  );
}
