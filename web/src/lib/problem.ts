/** One wrong field, as the server names it. */
export interface FieldError {
  field: string;
  got: string;
  expected: string;
}

/** An answer that is an error (RFC 9457), or no answer at all (`status` 0). */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    /** HTTP status; 0 when the server was not reached. */
    readonly status: number,
    /** Its stable name, the end of the `type` URN: `not-ranked`, `unavailable`, `network`, … */
    readonly kind: string,
    detail: string,
    readonly errors: readonly FieldError[] = [],
    /** Milliseconds that the server asks to be left alone for. */
    readonly retryAfter: number | null = null,
    readonly position: string | null = null,
  ) {
    super(detail);
  }

  /** Whether the same request may succeed later without being changed. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** What a response that is not ok says. */
export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const members = isRecord(body) ? body : {};
  const type = typeof members.type === "string" ? members.type : "";
  return new Problem(
    response.status,
    type.split(":").at(-1) || "http-error",
    typeof members.detail === "string" ? members.detail : `The server answered ${response.status}`,
    Array.isArray(members.errors) ? members.errors.filter(isFieldError) : [],
    retryAfterOf(response.headers.get("Retry-After")),
    typeof members.position === "string" ? members.position : null,
  );
}

/** The problem of a request that got no answer. */
export function unreachable(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const timedOut = error instanceof DOMException && error.name === "TimeoutError";
  const detail = timedOut ? "The server did not answer in time" : "The server cannot be reached";
  return new Problem(0, timedOut ? "timeout" : "network", detail);
}

/** `Retry-After` in milliseconds; null when it is missing or not understood. */
export function retryAfterOf(header: string | null, now = Date.now()): number | null {
  if (header === null || header.trim() === "") return null;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(wait) ? Math.max(0, wait) : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isFieldError(value: unknown): value is FieldError {
  return isRecord(value) && typeof value.field === "string" && typeof value.expected === "string";
}
