// Log entries on their way to where they are written: to the logging plugins, or to standard error when there
// are none. Nothing that a client sent gets into a line with its control bytes.

import { type LogLevel, logLevels } from '../contract/codes.ts';
import type { Connection, Transaction } from '../contract/connection.ts';
import type { HookName, LogEntry } from '../contract/hooks.ts';

/** Who speaks, and about which client. */
export interface LogSource {
  readonly plugin: string | null;
  readonly hook: HookName | null;
  readonly connection: Connection | null;
  readonly transaction: Transaction | null;
}

export interface LogSink {
  /** the least important level it wants */
  readonly upTo: LogLevel;
  write(entry: LogEntry, source: LogSource): void;
}

const CORE: LogSource = { plugin: null, hook: null, connection: null, transaction: null };

export class Log {
  readonly #processId: string;
  readonly #now: () => Date;
  #sinks: readonly LogSink[];
  #most: number;
  #writing = false;

  constructor(pid: number, now: () => Date, fallback: LogSink) {
    this.#processId = String(pid);
    this.#now = now;
    this.#sinks = [fallback];
    this.#most = logLevels[fallback.upTo];
  }

  /** Where entries go from now on. */
  use(sinks: readonly LogSink[]): void {
    this.#sinks = sinks;
    this.refresh();
  }

  /** Asks the sinks again for their levels, which configuration may have changed. */
  refresh(): void {
    this.#most = Math.max(...this.#sinks.map((sink) => logLevels[sink.upTo]));
  }

  enabled(level: LogLevel): boolean {
    return logLevels[level] <= this.#most;
  }

  write(level: LogLevel, text: string, source: LogSource = CORE): void {
    if (logLevels[level] > this.#most || this.#writing) return;
    const entry: LogEntry = {
      level,
      text: escaped(text),
      plugin: source.plugin,
      hook: source.hook,
      id: source.connection?.id ?? this.#processId,
      time: this.#now(),
    };
    // A sink that logs would log for ever: its entries are dropped.
    this.#writing = true;
    try {
      for (const sink of this.#sinks) {
        if (logLevels[level] <= logLevels[sink.upTo]) sink.write(entry, source);
      }
    } finally {
      this.#writing = false;
    }
  }
}

/** Printable ASCII stays; other octets become `\xNN`, characters beyond them `\u{NNNN}`. */
export function escaped(text: string): string {
  if (!/[^\x20-\x7e]/.test(text)) return text;
  return text.replace(/[^\x20-\x7e]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    const digits = code.toString(16);
    return code > 0xff ? `\\u{${digits}}` : `\\x${digits.padStart(2, '0')}`;
  });
}
