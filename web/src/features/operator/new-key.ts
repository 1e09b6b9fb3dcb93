/** A key that no other command has; pages that are not served by https have no randomUUID. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `operator-${[...bytes].map(byte => byte.toString(16).padStart(2, "0")).join("")}`;
}
