import { CloudOff, RotateCw, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { cx } from "@/components/ui/class-names";
import { unreachable } from "@/lib/problem";

interface EmptyStateProps {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  /** What to do about it. */
  action?: ReactNode;
}

/** Nothing is there, and that is all right. */
export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      {icon !== undefined && <div className="mb-1 text-muted [&_svg]:size-8">{icon}</div>}
      <p className="font-display font-semibold text-lead">{title}</p>
      {children !== undefined && <div className="max-w-prose text-muted text-small">{children}</div>}
      {action !== undefined && <div className="mt-3">{action}</div>}
    </div>
  );
}

/** Something did not work: what, and the way on. */
export function ErrorState({ error, title, retry }: { error: unknown; title: string; retry?: () => void }) {
  const problem = unreachable(error);
  return (
    <div role="alert">
      <EmptyState
        icon={problem.status === 0 ? <CloudOff aria-hidden /> : <TriangleAlert aria-hidden />}
        title={title}
        action={
          retry !== undefined && (
            <Button onClick={retry}>
              <RotateCw aria-hidden className="size-4" /> Try again
            </Button>
          )
        }
      >
        {problem.message}
      </EmptyState>
    </div>
  );
}

/** Where something will be. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cx("animate-pulse rounded-small bg-raised", className)} />;
}
