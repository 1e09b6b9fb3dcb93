import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { WishDialog } from "./wish-dialog";

const REHEARSAL = {
  status: "dry_run",
  user_id: "ann",
  changes: [{ board_id: "classic", season: "all", before: { rank: 3, value: 1200, games_played: 4 }, after: null }],
};

function show(answers: (url: URL) => Response) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    asked.push(`${request.method} ${url.pathname}${url.search} ${request.headers.get("Authorization")}`);
    return answers(url);
  });
  const onClose = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <WishDialog wish={{ kind: "ban", id: "ann", reason: "cheating" }} adminKey="secret" onClose={onClose} />
    </QueryClientProvider>,
  );
  return { asked, onClose };
}

test("shows what would change, and does it only when the id is typed", async () => {
  const { asked, onClose } = show(url => Response.json(url.search === "" ? { status: "applied" } : REHEARSAL));
  expect(await screen.findByText("#3")).toBeTruthy();
  expect(screen.getByText("no row")).toBeTruthy();
  const ban = screen.getByRole<HTMLButtonElement>("button", { name: "Ban" });
  await userEvent.type(screen.getByRole("textbox"), "an");
  expect(ban.disabled).toBe(true);
  await userEvent.type(screen.getByRole("textbox"), "n");
  await userEvent.click(ban);
  await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(asked).toEqual([
    "POST /api/v1/players/ann/ban?dry_run=true Bearer secret",
    "POST /api/v1/players/ann/ban Bearer secret",
  ]);
});

test("a key that is wrong is called so", async () => {
  const problem = { type: "urn:problem:not-authorized", title: "", status: 401, detail: "" };
  show(() => new Response(JSON.stringify(problem), { status: 401 }));
  expect(await screen.findByText("This is not the admin key")).toBeTruthy();
});
