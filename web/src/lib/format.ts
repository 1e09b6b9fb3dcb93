/** Numbers and dates as the reader's locale writes them. Formatters are dear to make, so each is made once. */
const locale = typeof navigator === "undefined" ? undefined : navigator.language;
const numbers = new Map<string, Intl.NumberFormat>();
const dates = new Map<string, Intl.DateTimeFormat>();
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  const kept = numbers.get(key) ?? new Intl.NumberFormat(locale, options);
  numbers.set(key, kept);
  return kept;
}

function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  const kept = dates.get(key) ?? new Intl.DateTimeFormat(locale, options);
  dates.set(key, kept);
  return kept;
}

const plain = new Intl.NumberFormat(locale);

/** 1,234,567 */
export const number = (value: number): string => plain.format(value);

/** 1.2M; what is shown short should carry `number` as its title. */
export const compact = (value: number): string =>
  numberFormat({ notation: "compact", maximumFractionDigits: 1 }).format(value);

/** +12, −3 */
export const signed = (value: number): string => numberFormat({ signDisplay: "exceptZero" }).format(value);

/** 99.8%, from a percentage (0 to 100). */
export const percent = (value: number, digits = 1): string =>
  numberFormat({ style: "percent", maximumFractionDigits: digits }).format(value / 100);

/** 28 Nov 2026, 14:03:11 */
export const dateTime = (at: number | string): string =>
  dateFormat({ dateStyle: "medium", timeStyle: "medium" }).format(new Date(at));

/** 28 Nov 2026 */
export const date = (at: number | string): string => dateFormat({ dateStyle: "medium" }).format(new Date(at));

/** 14:03:11 */
export const time = (at: number | string): string => dateFormat({ timeStyle: "medium" }).format(new Date(at));

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;

/** "5 minutes ago", "in 3 days" */
export function ago(at: number | string, now = Date.now()): string {
  const distance = new Date(at).getTime() - now;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(distance) >= each) ?? UNITS[3];
  return relative.format(Math.trunc(distance / size), unit);
}

/** "3 changes", "1 change": the counted word in English, its number by locale. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

/** A game mode as a title: `speed_run` → Speed run. */
export function titleOf(mode: string): string {
  const words = mode.replaceAll(/[_-]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
