// Return codes and log levels, with the numbers and names that qpsmtpd gives them.

/** What a hook handler answers: qpsmtpd's return codes. */
export type Code =
  | 'OK'
  | 'DENY'
  | 'DENYSOFT'
  | 'DENY_DISCONNECT'
  | 'DENYSOFT_DISCONNECT'
  | 'DECLINED'
  | 'DONE';

/** The codes that refuse. */
export type Denial = Extract<Code, `DENY${string}`>;

/** Tells whether a code refuses what was asked. */
export function isDenial(code: Code): code is Denial {
  return code.startsWith('DENY');
}

/** Syslog's severities, as in qpsmtpd: 7 says most. */
export const logLevels = {
  emerg: 0,
  alert: 1,
  crit: 2,
  error: 3,
  warn: 4,
  notice: 5,
  info: 6,
  debug: 7,
} as const;

export type LogLevel = keyof typeof logLevels;

const levelNames = Object.keys(logLevels) as LogLevel[];

/** Reads `6`, `info` or `LOGINFO`; null when it is none of them. */
export function parseLogLevel(text: string): LogLevel | null {
  const word = text.trim().toLowerCase();
  if (/^[0-7]$/.test(word)) return levelNames[Number(word)] ?? null;
  const name = word.startsWith('log') ? word.slice(3) : word;
  if (name === 'radar') return 'emerg';
  return levelNames.find((level) => level === name) ?? null;
}

/** The level with a number, held to 0 to 7. */
export function logLevelOf(number: number): LogLevel {
  return levelNames[Math.min(7, Math.max(0, Math.trunc(number)))] ?? 'debug';
}
