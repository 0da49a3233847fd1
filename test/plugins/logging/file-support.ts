// logging/file for unit tests: a temporary folder, a clock that stands still, files that can be made to fail.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { AtAnywhere, Connection, HookTable, LogEntry } from 'qpsmtpd';
import { type LogFiles, nodeLogFiles } from '../../../plugins/logging/_log-files.ts';
import file, { fileLogging } from '../../../plugins/logging/file.ts';
import { cleanUp } from '../../support/cleanup.ts';

/** The disk, with what goes wrong on it, and what was asked of it. */
export class WatchedFiles implements LogFiles {
  /** code of the error that the next calls throw */
  openFails: string | null = null;
  writeFails: string | null = null;
  /** octets that one call writes at most */
  most = Number.POSITIVE_INFINITY;
  /** octets that there is room for; beyond it writeFails, or ENOSPC */
  room = Number.POSITIVE_INFINITY;
  readonly opened: string[] = [];
  readonly writes: string[] = [];
  tries = 0;
  readonly open_ = new Set<number>();
  mostOpen = 0;

  open(path: string): number {
    this.opened.push(path);
    this.tries++;
    if (this.openFails !== null) throw failure(this.openFails);
    const fd = nodeLogFiles.open(path);
    this.open_.add(fd);
    this.mostOpen = Math.max(this.mostOpen, this.open_.size);
    return fd;
  }

  fstat(fd: number) {
    return nodeLogFiles.fstat(fd);
  }

  stat(path: string) {
    return nodeLogFiles.stat(path);
  }

  write(fd: number, bytes: Buffer): number {
    this.tries++;
    if (this.writeFails !== null) throw failure(this.writeFails);
    const octets = Math.min(bytes.length, this.most, this.room);
    if (octets === 0) throw failure('ENOSPC');
    const written = nodeLogFiles.write(fd, bytes.subarray(0, octets));
    this.room -= written;
    this.writes.push(bytes.toString('latin1', 0, written));
    return written;
  }

  close(fd: number): void {
    this.open_.delete(fd);
    nodeLogFiles.close(fd);
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}

/** Noon of the first day of 2001, wherever this is. */
const START = new Date(2001, 0, 1, 12, 0, 0).getTime();

/** One line of config/logging that is set up. */
export class LogSite {
  readonly dir: string;
  readonly files = new WatchedFiles();
  readonly stderr: string[] = [];
  elapsedMs = 0;
  readonly #table: HookTable;
  #retire: () => unknown = () => {};

  /** @param words of the line; @DIR@ stands for the folder @param isServing with the rights that stay */
  constructor(words: string, { isServing = true, env = process.env } = {}) {
    this.dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-logging-'));
    const { output, tsformat, loglevel } = file.options ?? {};
    if (output === undefined || tsformat === undefined || loglevel === undefined) throw new Error('options');
    this.#table = fileLogging(
      {
        id: 'logging/file',
        pid: 99,
        hostname: 'mx',
        env,
        clock: {
          now: () => this.now,
          // Not from 0 on: nobody may take that for "never".
          monotonic: () => 1_000_000 + this.elapsedMs,
        },
        stderr: (line) => void this.stderr.push(line),
        perConnection,
        onRetire: (work) => {
          this.#retire = work;
        },
        options: {
          output: output.parse(words.replaceAll('@DIR@', this.dir)),
          tsformat: tsformat.default,
          loglevel: 'debug',
        },
      },
      this.files,
    );
    if (isServing) this.postFork();
    cleanUp(async () => {
      await this.retire();
      rmSync(this.dir, { recursive: true, force: true });
    });
  }

  get now(): Date {
    return new Date(START + this.elapsedMs);
  }

  get upTo(): unknown {
    const { logging } = this.#table;
    return typeof logging === 'object' && 'upTo' in logging ? logging.upTo : undefined;
  }

  /** Gives an entry to the plugin, as the server does. */
  log(text: string, connection: Connection | null = null, more: Partial<LogEntry> = {}): void {
    const id = connection?.id ?? '99';
    const entry: LogEntry = { level: 'info', text, plugin: null, hook: null, id, time: this.now, ...more };
    const { logging } = this.#table;
    if (typeof logging !== 'object' || !('handler' in logging)) throw new Error('no handler');
    logging.handler({ connection } as AtAnywhere, entry);
  }

  /** The same, and waits for the end of the turn. */
  async wrote(text: string, connection: Connection | null = null): Promise<void> {
    this.log(text, connection);
    await turn();
  }

  postFork(): void {
    const work = this.#table['post-fork'];
    if (typeof work === 'function') void work({} as never);
  }

  /** Gives whether the plugin wants to know. */
  endSession(connection: Connection): boolean {
    const work = this.#table['post-connection'];
    if (typeof work !== 'function') return false;
    void work({ connection } as never);
    return true;
  }

  async retire(): Promise<void> {
    await this.#retire();
  }

  read(name: string): string {
    return readFileSync(join(this.dir, name), 'latin1');
  }

  /** What stands behind time, host and client in each line. */
  texts(name: string): string[] {
    return this.read(name)
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace(/^.*?\]: /, ''));
  }
}

function perConnection<T extends object>(init: (connection: Connection) => T) {
  const made = new WeakMap<Connection, T>();
  return (connection: Connection) => {
    const cell = made.get(connection) ?? init(connection);
    made.set(connection, cell);
    return cell;
  };
}

export function client(number: number, startedAt = new Date(1_000_000_000_000)): Connection {
  return { id: `99.${number}`, startedAt } as Connection;
}
