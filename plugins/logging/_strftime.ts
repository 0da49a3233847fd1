// strftime(3) in local time and the C locale: conversions of C99 and POSIX, those of glibc that log files are named with
// (%k, %l, %P, %s) and its flags - _ 0 ^. What it does not know stays as it is, as there. The package strftime of npm has
// no %G, %g and %V, and other ideas of %c, %X and %Z.

/** A format that has been read, to be used for many times. */
export type TimeFormat = (time: Date) => string;

/** A number with its width and what fills it. */
type Padded = readonly [value: number, width: number, fill: '0' | ' '];
type Conversion = (time: Date) => string | Padded;

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
];
const DAY_MS = 86_400_000;

const zeros = (value: number, width = 2): Padded => [value, width, '0'];
const blanks = (value: number): Padded => [value, 2, ' '];
const nameIn = (names: readonly string[], at: number) => names[at] ?? '';
const hour12 = (time: Date) => time.getHours() % 12 || 12;
const isMorning = (time: Date) => time.getHours() < 12;

// Days are counted in UTC: there none has 23 hours.
const dayNumber = (time: Date) =>
  Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) / DAY_MS -
  Date.UTC(time.getFullYear(), 0, 1) / DAY_MS;

/** Monday is 0. */
const fromMonday = (time: Date) => (time.getDay() + 6) % 7;

/** ISO 8601: a week belongs to the year that its Thursday lies in. */
function isoWeek(time: Date): { year: number; week: number } {
  const thursday = new Date(
    Date.UTC(time.getFullYear(), time.getMonth(), time.getDate() + 3 - fromMonday(time)),
  );
  const year = thursday.getUTCFullYear();
  return { year, week: 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) };
}

function offset(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  const hours = Math.floor(Math.abs(minutes) / 60);
  const number = hours * 100 + (Math.abs(minutes) % 60);
  return (minutes < 0 ? '-' : '+') + String(number).padStart(4, '0');
}

// Each of them knows the short names of zones near to it only.
const zoneLocales = ['en-US', 'en-GB', 'en-AU', 'en-IN'];

/** `CET`; the offset where nobody has a short name for the zone. */
function zoneName(time: Date): string {
  for (const locale of zoneLocales) {
    const parts = new Intl.DateTimeFormat(locale, { timeZoneName: 'short' }).formatToParts(time);
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
    if (/^[A-Z]{2,5}$/.test(name)) return name;
  }
  return offset(time);
}

/** Those that stand for others. */
const composed: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  h: '%b',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

const conversions: Readonly<Record<string, Conversion>> = {
  a: (time) => nameIn(days, time.getDay()).slice(0, 3),
  A: (time) => nameIn(days, time.getDay()),
  b: (time) => nameIn(months, time.getMonth()).slice(0, 3),
  B: (time) => nameIn(months, time.getMonth()),
  C: (time) => zeros(Math.floor(time.getFullYear() / 100)),
  d: (time) => zeros(time.getDate()),
  e: (time) => blanks(time.getDate()),
  g: (time) => zeros(isoWeek(time).year % 100),
  G: (time) => zeros(isoWeek(time).year, 4),
  H: (time) => zeros(time.getHours()),
  I: (time) => zeros(hour12(time)),
  j: (time) => zeros(dayNumber(time) + 1, 3),
  k: (time) => blanks(time.getHours()),
  l: (time) => blanks(hour12(time)),
  m: (time) => zeros(time.getMonth() + 1),
  M: (time) => zeros(time.getMinutes()),
  n: () => '\n',
  p: (time) => (isMorning(time) ? 'AM' : 'PM'),
  P: (time) => (isMorning(time) ? 'am' : 'pm'),
  s: (time) => zeros(Math.floor(time.getTime() / 1000), 1),
  S: (time) => zeros(time.getSeconds()),
  t: () => '\t',
  u: (time) => zeros(fromMonday(time) + 1, 1),
  U: (time) => zeros(Math.floor((dayNumber(time) + 7 - time.getDay()) / 7)),
  V: (time) => zeros(isoWeek(time).week),
  w: (time) => zeros(time.getDay(), 1),
  W: (time) => zeros(Math.floor((dayNumber(time) + 7 - fromMonday(time)) / 7)),
  y: (time) => zeros(time.getFullYear() % 100),
  Y: (time) => zeros(time.getFullYear(), 4),
  z: offset,
  Z: zoneName,
  '%': () => '%',
};

// In the C locale, the modifiers E and O change nothing.
const SPECIFIER = /%([-_0^]*)[EO]?([A-Za-z%])/g;

/** Reads a format once. What comes of it depends on time and time zone alone. */
export function timeFormat(format: string): TimeFormat {
  const parts: (string | TimeFormat)[] = [];
  let end = 0;
  for (const match of format.matchAll(SPECIFIER)) {
    const [text, flags = '', letter = ''] = match;
    parts.push(format.slice(end, match.index), formatOf(letter, flags) ?? text);
    end = match.index + text.length;
  }
  parts.push(format.slice(end));
  return (time) => parts.map((part) => (typeof part === 'string' ? part : part(time))).join('');
}

function formatOf(letter: string, flags: string): TimeFormat | null {
  const isUpper = flags.includes('^');
  const whole = Object.hasOwn(composed, letter) ? composed[letter] : undefined;
  const convert = Object.hasOwn(conversions, letter) ? conversions[letter] : undefined;
  if (whole === undefined && convert === undefined) return null;
  const compute = whole === undefined ? (convert as Conversion) : timeFormat(whole);
  return (time) => {
    const value = compute(time);
    const text = typeof value === 'string' ? value : filled(value, flags);
    return isUpper ? text.toUpperCase() : text;
  };
}

/** The last flag counts. */
function filled([value, width, usual]: Padded, flags: string): string {
  const flag = flags.replace(/[^-_0]/g, '').at(-1);
  if (flag === '-') return String(value);
  return String(value).padStart(width, flag === '_' ? ' ' : flag === '0' ? '0' : usual);
}
