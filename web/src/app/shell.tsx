import type { ReactNode } from "react";
import { Link } from "wouter";
import { ThemeSwitch } from "@/app/theme-switch";
import { Announcer } from "@/components/ui/announcer";
import { Toaster } from "@/components/ui/toast";
import { paths } from "@/config/paths";
import { ConnectionNotice } from "@/features/live/components/connection-notice";
import { ConnectionState } from "@/features/live/components/connection-state";

/** The frame around every page. */
export function Shell({ children }: { children: ReactNode }) {
  return (
    <>
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:start-4 focus:top-3 focus:z-50 focus:rounded-control focus:bg-raised focus:px-4 focus:py-2"
      >
        Skip to the content
      </a>
      <header className="sticky top-0 z-30 border-line border-b bg-canvas">
        <div className="mx-auto flex h-14 max-w-7xl items-center gap-1 px-4 tablet:gap-2 tablet:px-6">
          <Link
            href={paths.board.href()}
            className="me-2 flex items-center gap-2 font-bold font-display text-lead tablet:me-6"
          >
            <Bars />
            <span className="max-tablet:sr-only">Leaderboard</span>
          </Link>
          <nav aria-label="Pages" className="flex gap-1">
            <NavLink href={paths.board.href()}>Board</NavLink>
            <NavLink href={paths.operator.href()}>Operator</NavLink>
          </nav>
          <div className="ms-auto flex items-center gap-1 tablet:gap-3">
            <ConnectionState />
            <ThemeSwitch />
          </div>
        </div>
      </header>
      <ConnectionNotice />
      <main id="content" tabIndex={-1} className="mx-auto max-w-7xl px-3 py-3 outline-none tablet:px-6 tablet:py-6">
        {children}
      </main>
      <Toaster />
      <Announcer />
    </>
  );
}

function NavLink({ href, children }: { href: string; children: ReactNode }) {
  const look = (active: boolean) =>
    `rounded-control px-2 py-2 font-semibold tablet:px-3 text-small transition hover:bg-raised hover:text-ink ${
      active ? "text-ink underline decoration-2 decoration-cyan underline-offset-8" : "text-muted"
    }`;
  return (
    <Link href={href} className={look}>
      {children}
    </Link>
  );
}

/** The mark: three steps of a podium. */
function Bars() {
  return (
    <svg aria-hidden viewBox="0 0 24 24" className="size-6">
      <path d="M2 21v-8h6v8z" className="fill-cyan" />
      <path d="M9 21V4h6v17z" className="fill-lime" />
      <path d="M16 21V10h6v11z" className="fill-magenta" />
    </svg>
  );
}
