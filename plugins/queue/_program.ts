// Runs a program that takes a message: no shell, and nothing of a message among its words unless the caller puts it
// there. The program has a process group of its own, so that what it has started in turn can be ended with it.

import { type ChildProcess, spawn } from 'node:child_process';
import { kill } from 'node:process';
import { captured, feed, type Input, type Stream } from './_program-streams.ts';

export interface ProgramCall {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** working folder; that of the server where it is missing */
  readonly folder?: string;
  /** octets for standard input, or the descriptor of a file that it is to be */
  readonly input: Input | number;
  /** octets for descriptor 1, which the program then reads from (qmail-queue); written when the input was taken */
  readonly envelope?: Buffer;
  /** whether it may say something on the descriptors 4 and 6 */
  readonly reports?: boolean;
  /** milliseconds after which it is ended */
  readonly timeoutMs: number;
  /** ends it, unless it was fed and has had all its input: what it makes of that is its business */
  readonly signal: AbortSignal;
}

export interface ProgramEnd {
  /** exit code; null when a signal ended it, or when it was never started */
  readonly code: number | null;
  readonly signal: string | null;
  /** first 4 KiB of what it wrote on standard output and standard error, one octet a character */
  readonly stdout: string;
  readonly stderr: string;
  /** first 4 KiB of what it wrote on descriptor 4, else on 6 */
  readonly report: string;
  /** why we ended it, or could not start it; null when it ended by itself */
  readonly failure: 'timeout' | 'given up' | 'no input' | 'cannot start' | null;
  /** of the system, when it could not be started or its input not be read */
  readonly reason: string;
  /** whether it took all its input, as far as can be seen */
  readonly isFed: boolean;
}

type Failure = NonNullable<ProgramEnd['failure']>;

// For a program to put its affairs in order.
const GRACE_MS = 2000;
// What a program has left running may hold its output open for ever.
const LAST_WORDS_MS = 250;

/** Never rejects. */
export async function runProgram(call: ProgramCall): Promise<ProgramEnd> {
  if (call.signal.aborted) return notRun('given up', '');
  let child: ChildProcess;
  try {
    child = start(call);
  } catch (error) {
    return notRun('cannot start', reasonOf(error));
  }
  return new Run(call, child).end();
}

/** `killed by SIGSEGV`, `timeout`, …, for the log. */
export function whyEnded(end: ProgramEnd): string {
  if (end.failure === 'timeout') return 'took too long and was ended';
  if (end.failure === 'given up') return 'was ended, as the client or the time was gone';
  if (end.failure === 'no input') return `was ended, as the message cannot be read: ${end.reason}`;
  if (end.failure === 'cannot start') return `cannot be run: ${end.reason}`;
  return end.code === null ? `was killed by ${end.signal}` : `ended with ${end.code}`;
}

function start({ path, args, env, folder, input, reports }: ProgramCall): ChildProcess {
  const more = reports === true ? (['ignore', 'pipe', 'ignore', 'pipe'] as const) : [];
  return spawn(path, [...args], {
    env: { ...env },
    cwd: folder,
    stdio: [typeof input === 'number' ? input : 'pipe', 'pipe', 'pipe', ...more],
    detached: true,
  });
}

class Run {
  readonly #call: ProgramCall;
  readonly #child: ChildProcess;
  #failure: Failure | null = null;
  #reason = '';
  #isFed = false;
  #isOver = false;
  #grace: NodeJS.Timeout | null = null;

  constructor(call: ProgramCall, child: ChildProcess) {
    this.#call = call;
    this.#child = child;
  }

  async end(): Promise<ProgramEnd> {
    const { envelope, signal, timeoutMs } = this.#call;
    const stdio: readonly Stream[] = this.#child.stdio;
    const stdout = captured(stdio[1], envelope === undefined);
    const stderr = captured(stdio[2]);
    const reports = [captured(stdio[4]), captured(stdio[6])];
    const timer = setTimeout(() => this.#kill('timeout'), timeoutMs);
    const onAbort = () => {
      if (!this.#isFed) this.#kill('given up');
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const fed = this.#feed();
    const [code, killer] = await this.#ended();
    this.#isOver = true;
    clearTimeout(timer);
    if (this.#grace !== null) clearTimeout(this.#grace);
    signal.removeEventListener('abort', onAbort);
    await fed;
    return {
      code,
      signal: killer,
      stdout: stdout(),
      stderr: stderr(),
      report: reports.map((text) => text()).find((text) => text !== '') ?? '',
      failure: this.#failure,
      reason: this.#reason,
      isFed: this.#isFed,
    };
  }

  async #feed(): Promise<void> {
    const { input, envelope, signal } = this.#call;
    if (typeof input === 'number' || this.#child.stdin == null) return;
    const { stdin, stdout } = this.#child;
    try {
      this.#isFed = await feed(
        stdin,
        input,
        envelope === undefined ? null : { stdout, envelope },
        () => signal.aborted || this.#isOver,
      );
    } catch (error) {
      this.#reason = reasonOf(error);
      this.#kill('no input');
    } finally {
      // Killed first: a closed input looks like the end of the message.
      if (!this.#isFed) stdin.destroy();
    }
  }

  #ended(): Promise<readonly [number | null, string | null]> {
    const child = this.#child;
    return new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        const settle = () => {
          clearTimeout(late);
          for (const stream of child.stdio) stream?.destroy();
          resolve([code, signal]);
        };
        const late = setTimeout(settle, LAST_WORDS_MS);
        child.once('close', settle);
      });
      child.once('error', (error) => {
        if (child.pid !== undefined) return;
        this.#failure = 'cannot start';
        this.#reason = reasonOf(error);
        resolve([null, null]);
      });
    });
  }

  /** The first reason counts. */
  #kill(why: Failure): void {
    if (this.#failure !== null || this.#isOver) return;
    this.#failure = why;
    // A filter or a queue that was given half a message must not get to its end.
    const isHard = why !== 'timeout' && typeof this.#call.input !== 'number';
    this.#signal(isHard ? 'SIGKILL' : 'SIGTERM');
    if (!isHard) this.#grace = setTimeout(() => this.#signal('SIGKILL'), GRACE_MS);
  }

  #signal(name: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      kill(-pid, name);
    } catch {
      // It is gone already.
    }
  }
}

function notRun(failure: Failure, reason: string): ProgramEnd {
  return { code: null, signal: null, stdout: '', stderr: '', report: '', failure, reason, isFed: false };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
