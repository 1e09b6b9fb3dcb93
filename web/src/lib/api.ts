import createClient from "openapi-fetch";
import { env } from "@/config/env";
import type { components, paths } from "@/lib/api.gen";
import { problemOf, unreachable } from "@/lib/problem";

/** Milliseconds for which an answer is waited for. */
const PATIENCE = 15_000;

/** A model of the API, by its name in docs/openapi.json. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** The client of our API. Calls throw Problem, whatever went wrong; an aborted call throws its AbortError. */
export const api = createClient<paths>({
  baseUrl: env.apiUrl,
  fetch: request => fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE)]) }),
});

api.use({
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
  },
  onError({ request, error }) {
    if (request.signal.aborted) return undefined;
    return unreachable(error);
  },
});

/** The body of a call that worked. */
export async function answer<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  if (data === undefined) throw unreachable(null);
  return data;
}
