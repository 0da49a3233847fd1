// From log entries to lines of logging/file: which output each goes to, by time and session, and what stands in it.

import { type Connection, formatLogLine, type Host, type LogEntry } from 'qpsmtpd';
import { AppendedFile } from './_appended-file.ts';
import { CommandStarts } from './_command-starts.ts';
import { FedCommand } from './_fed-command.ts';
import type { LogFiles } from './_log-files.ts';
import { MOST_WAITING } from './_log-output.ts';
import { Troubles } from './_log-troubles.ts';
import type { OutputLine } from './_output-line.ts';
import { eachSecond, NO_SESSION, OutputNames, sessionId } from './_output-names.ts';
import { OutputPool } from './_output-pool.ts';
import { type TimeFormat, timeFormat } from './_strftime.ts';

export type FileLogHost = Pick<
  Host,
  'id' | 'pid' | 'hostname' | 'clock' | 'env' | 'stderr' | 'perConnection'
>;

export interface FileLogSettings extends Pick<OutputLine, 'isCommand' | 'nosplit' | 'reopen'> {
  /** absolute path, or command */
  readonly target: string;
  readonly tsformat: string;
}

interface SessionOutput {
  /** null for what is no client */
  readonly id: string | null;
  /** where its entries go; null before the first */
  key: string | null;
}

const MOST_HELD = 1000;
/** Between the text of a command and the session that it is for. */
const FOR_SESSION = '\0';

export class FileLog {
  /** whether sessions have outputs of their own */
  readonly hasSessions: boolean;
  readonly #settings: FileLogSettings;
  readonly #hostname: string;
  readonly #names: OutputNames;
  readonly #stamp: TimeFormat;
  readonly #pool: OutputPool;
  readonly #troubles: Troubles;
  readonly #sessionOf: (connection: Connection) => SessionOutput;
  /** entries from before the process had the rights that it serves with: whose would the file be? */
  #held: LogEntry[] | null = [];

  constructor(host: FileLogHost, settings: FileLogSettings, files: LogFiles) {
    const { id, pid, hostname, clock, env } = host;
    this.#settings = settings;
    this.#hostname = hostname;
    this.#names = new OutputNames(settings.target);
    this.#stamp = eachSecond(timeFormat(settings.tsformat));
    this.hasSessions = this.#names.hasSession || (settings.isCommand && settings.reopen);
    this.#sessionOf = host.perConnection((connection) => ({ id: sessionId(connection), key: null }));
    const now = () => clock.monotonic();
    const troubles = new Troubles({ id, pid, stderr: (line) => host.stderr(line), now });
    this.#troubles = troubles;
    const room = { free: MOST_WAITING };
    const starts = new CommandStarts();
    this.#pool = new OutputPool({
      now,
      make(key, wake) {
        const [target = '', session] = key.split(FOR_SESSION);
        if (!settings.isCommand) return new AppendedFile(target, files, room, troubles);
        return new FedCommand(target, session !== undefined, { env, room, troubles, starts, now, wake });
      },
    });
  }

  write(entry: LogEntry, connection: Connection | null): void {
    if (this.#held !== null) {
      // A client is served with the rights that stay.
      if (connection === null) {
        this.#hold(entry);
        return;
      }
      this.release();
    }
    const text = formatLogLine(entry).slice(entry.id.length + 1);
    const line = `${this.#stamp(entry.time)} ${this.#hostname}[${entry.id}]: ${text}\n`;
    this.#pool.add(this.#keyOf(entry.time, connection), line);
  }

  /** The process has the rights that it serves with. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const entry of held) this.write(entry, null);
  }

  endSession(connection: Connection): void {
    const { key } = this.#sessionOf(connection);
    if (key !== null) this.#pool.end(key);
  }

  async retire(): Promise<void> {
    this.release();
    await this.#pool.retire();
    this.#troubles.end();
  }

  #hold(entry: LogEntry): void {
    if ((this.#held?.length ?? 0) < MOST_HELD) this.#held?.push(entry);
    else this.#troubles.lost(1);
  }

  #keyOf(time: Date, connection: Connection | null): string {
    const { nosplit, reopen } = this.#settings;
    if (connection === null || !(this.hasSessions || nosplit || reopen)) return this.#sharedKey(time);
    const session = this.#sessionOf(connection);
    const before = session.key;
    if (nosplit && before !== null) return before;
    const key = this.#sessionKey(time, session.id);
    if (key === before) return key;
    session.key = key;
    if (before === null) {
      if (reopen) this.#pool.reopen(key);
    } else if (this.hasSessions) this.#pool.end(before);
    return key;
  }

  #sharedKey(time: Date): string {
    const key = this.#names.at(time, NO_SESSION);
    this.#pool.keep(key, !this.#settings.nosplit);
    return key;
  }

  #sessionKey(time: Date, id: string | null): string {
    const { isCommand, reopen } = this.#settings;
    if (id === null || !this.hasSessions) return this.#sharedKey(time);
    const name = this.#names.at(time, id);
    return isCommand && reopen ? name + FOR_SESSION + id : name;
  }
}
