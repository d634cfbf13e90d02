// host/observe/formatter/time_format.ts: points in time by strftime formats.
// pure: no I/O, no clock, no runtime globals
// hot: the default format runs once per access-log line; see bench/micro/formatter.bench.ts
/**
 * Conversions are those of absl::FormatTime in the C locale, plus Envoy's `%f` and `%1f` to `%9f`.
 *
 * @see Envoy: source/common/common/utility.cc DateFormatter
 * @module
 */

/** A time as text: milliseconds since 1970 with fractions. */
export type TimeFormat = (wallMs: number) => string;

/** What a conversion sees: a date whose UTC fields are those of the zone, and the zone. */
interface Moment {
  readonly date: Date;
  readonly wallMs: number;
  readonly offsetMinutes: number;
  readonly local: boolean;
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAY_MS = 86_400_000;

/** `%3f`, `%E3S`, `%E*S`, `%Ez`, `%Y`… */
const CONVERSION = /%(?:([1-9])f|E([1-9]|\*)([Sf])|E4Y|(E\*?[zZ]|:{1,3}z|[A-Za-z%]))/g;

/** Compiles a strftime format. An unknown conversion stays as it is. */
export function compileTimeFormat(format: string, local: boolean): TimeFormat {
  const parts: (string | ((moment: Moment) => string))[] = [];
  let end = 0;
  for (const match of format.matchAll(CONVERSION)) {
    if (match.index > end) parts.push(format.slice(end, match.index));
    end = match.index + match[0].length;
    parts.push(conversion(match) ?? match[0]);
  }
  if (end < format.length) parts.push(format.slice(end));
  return (wallMs) => {
    const offsetMinutes = local ? -new Date(wallMs).getTimezoneOffset() : 0;
    const date = new Date(Math.floor(wallMs) + offsetMinutes * 60_000);
    const moment: Moment = { date, wallMs, offsetMinutes, local };
    let text = "";
    for (const part of parts) text += typeof part === "string" ? part : part(moment);
    return text;
  };
}

/** The default format: `2026-11-21T14:05:37.562Z`, or with the zone's offset for local time. */
export function defaultTimeFormat(local: boolean): TimeFormat {
  if (local) return compileTimeFormat("%Y-%m-%dT%H:%M:%E3S%z", true);
  // All lines of a second share all but the three digits.
  let second = -1;
  let prefix = "";
  return (wallMs) => {
    const now = Math.floor(wallMs / 1000);
    if (now !== second) {
      prefix = new Date(now * 1000).toISOString().slice(0, 20);
      second = now;
    }
    const ms = Math.floor(wallMs) - now * 1000;
    return prefix + (ms < 10 ? "00" : ms < 100 ? "0" : "") + ms + "Z";
  };
}

/** Nanoseconds of the second, as nine digits. A time has fractions of a millisecond at best. */
function nineDigits(wallMs: number): string {
  const microseconds = Math.floor(wallMs * 1000 + 1e-3);
  return String(microseconds - Math.floor(microseconds / 1_000_000) * 1_000_000).padStart(6, "0") + "000";
}

function conversion(match: RegExpExecArray): ((moment: Moment) => string) | null {
  const digits = match[1] ?? match[2];
  if (digits !== undefined) {
    const seconds = match[3] === "S";
    return ({ date, wallMs }) => {
      let fraction = nineDigits(wallMs);
      fraction = digits === "*" ? fraction.replace(/0+$/, "") : fraction.slice(0, Number(digits));
      if (!seconds) return fraction;
      return pad(date.getUTCSeconds(), 2) + (fraction === "" ? "" : "." + fraction);
    };
  }
  if (match[0] === "%E4Y") return ({ date }) => pad(date.getUTCFullYear(), 4);
  return CONVERSIONS[match[4]!] ?? null;
}

const clock12 = (date: Date): number => date.getUTCHours() % 12 || 12;
const dayOfYear = (date: Date): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
const date8 = (date: Date): string =>
  `${pad(date.getUTCMonth() + 1, 2)}/${pad(date.getUTCDate(), 2)}/${pad(date.getUTCFullYear() % 100, 2)}`;
const time8 = (date: Date): string =>
  `${pad(date.getUTCHours(), 2)}:${pad(date.getUTCMinutes(), 2)}:${pad(date.getUTCSeconds(), 2)}`;

/** The Thursday of the ISO week decides its year. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY_MS);
  return { year: thursday.getUTCFullYear(), week: Math.ceil(dayOfYear(thursday) / 7) };
}

function offset(minutes: number, separator: string): string {
  const size = Math.abs(minutes);
  return (minutes < 0 ? "-" : "+") + pad(Math.floor(size / 60), 2) + separator + pad(size % 60, 2);
}

/** The zone's abbreviation where the runtime knows one, else its offset. */
function zoneName({ date, offsetMinutes, local }: Moment): string {
  if (!local || offsetMinutes === 0) return "UTC";
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? offset(offsetMinutes, "");
}

const CONVERSIONS: Readonly<Record<string, (moment: Moment) => string>> = {
  "%": () => "%",
  A: ({ date }) => DAYS[date.getUTCDay()]!,
  a: ({ date }) => DAYS[date.getUTCDay()]!.slice(0, 3),
  B: ({ date }) => MONTHS[date.getUTCMonth()]!,
  b: ({ date }) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  C: ({ date }) => pad(Math.floor(date.getUTCFullYear() / 100), 2),
  c: ({ date }) =>
    `${DAYS[date.getUTCDay()]!.slice(0, 3)} ${MONTHS[date.getUTCMonth()]!.slice(0, 3)} ` +
    `${String(date.getUTCDate()).padStart(2)} ${time8(date)} ${date.getUTCFullYear()}`,
  D: ({ date }) => date8(date),
  d: ({ date }) => pad(date.getUTCDate(), 2),
  e: ({ date }) => String(date.getUTCDate()).padStart(2),
  Ez: ({ offsetMinutes }) => offset(offsetMinutes, ":"),
  F: ({ date }) => `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`,
  f: ({ wallMs }) => nineDigits(wallMs),
  G: ({ date }) => String(isoWeek(date).year),
  g: ({ date }) => pad(isoWeek(date).year % 100, 2),
  H: ({ date }) => pad(date.getUTCHours(), 2),
  h: ({ date }) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  I: ({ date }) => pad(clock12(date), 2),
  j: ({ date }) => pad(dayOfYear(date), 3),
  k: ({ date }) => String(date.getUTCHours()).padStart(2),
  l: ({ date }) => String(clock12(date)).padStart(2),
  M: ({ date }) => pad(date.getUTCMinutes(), 2),
  m: ({ date }) => pad(date.getUTCMonth() + 1, 2),
  p: ({ date }) => date.getUTCHours() < 12 ? "AM" : "PM",
  R: ({ date }) => time8(date).slice(0, 5),
  r: ({ date }) => `${pad(clock12(date), 2)}${time8(date).slice(2)} ${date.getUTCHours() < 12 ? "AM" : "PM"}`,
  S: ({ date }) => pad(date.getUTCSeconds(), 2),
  s: ({ wallMs }) => String(Math.floor(wallMs / 1000)),
  T: ({ date }) => time8(date),
  U: ({ date }) => pad(Math.floor((dayOfYear(date) + 6 - date.getUTCDay()) / 7), 2),
  u: ({ date }) => String(date.getUTCDay() || 7),
  V: ({ date }) => pad(isoWeek(date).week, 2),
  W: ({ date }) => pad(Math.floor((dayOfYear(date) + 6 - (date.getUTCDay() + 6) % 7) / 7), 2),
  w: ({ date }) => String(date.getUTCDay()),
  X: ({ date }) => time8(date),
  x: ({ date }) => date8(date),
  Y: ({ date }) => String(date.getUTCFullYear()),
  y: ({ date }) => pad(date.getUTCFullYear() % 100, 2),
  Z: zoneName,
  z: ({ offsetMinutes }) => offset(offsetMinutes, ""),
  ":z": ({ offsetMinutes }) => offset(offsetMinutes, ":"),
};

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
