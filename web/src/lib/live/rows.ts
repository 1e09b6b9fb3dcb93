/** Order, ranks and checksum of rows, by rules 1 and 6 of docs/live.md. */
import type { Entry, Order, Ties } from "./protocol";

/** A place on a board. Kept as the same object for as long as nothing of it changes. */
export interface Row {
  readonly id: string;
  readonly rank: number;
  readonly value: number;
  /** When the value was reached, ms since 1970; null where only polled. */
  readonly reached: number | null;
  readonly name: string | null;
}

/** Best first. */
export function inOrder(entries: Iterable<Entry>, order: Order): Entry[] {
  const sign = order === "desc" ? -1 : 1;
  // Ids are ASCII, so that comparing them as text compares their bytes.
  return [...entries].sort((a, b) => sign * (a[1] - b[1]) || a[2] - b[2] || (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
}

/** Ranks of values in their order: 1,2,3,4 (first_to_reach), 1,2,2,4 (shared) or 1,2,2,3 (dense). */
export function ranked(values: readonly number[], ties: Ties, base = 1): number[] {
  const ranks: number[] = [];
  values.forEach((value, place) => {
    const last = ranks[place - 1];
    if (last === undefined || ties === "first_to_reach") ranks.push(base + place);
    else if (value === values[place - 1]) ranks.push(last);
    else ranks.push(ties === "dense" ? last + 1 : base + place);
  });
  return ranks;
}

/** CRC-32 of rows in their order, 8 lower-case hex digits. */
export function checksum(entries: Iterable<Entry>): string {
  let lines = "";
  for (const [id, value, reached, name] of entries) lines += `${id}\t${value}\t${reached}\t${name ?? ""}\n`;
  return crc32(new TextEncoder().encode(lines)).toString(16).padStart(8, "0");
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
