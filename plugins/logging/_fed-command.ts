// A command that reads the log on its standard input, started by the shell with the first line for it. One that dies is
// started again when there are lines, after a pause; one that does not read costs lines, and never stops the server.

import { CommandRun, type RunEnd } from './_command-run.ts';
import type { CommandStarts } from './_command-starts.ts';
import { type LogOutput, type Room, WaitingLines } from './_log-output.ts';
import type { Troubles } from './_log-troubles.ts';

export interface CommandMeans {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly room: Room;
  readonly troubles: Troubles;
  /** of all commands of the plugin line */
  readonly starts: CommandStarts;
  /** milliseconds that only go forward */
  now(): number;
  /** Asks for a `flush`: there is something again. */
  wake(): void;
}

/** A command that lives so long works. */
const PROVEN_MS = 5000;
const SETTLING_MS = 50;
const SHARE = 'entries wait until one ends; a command without reopen and %i takes those of all sessions';

export class FedCommand implements LogOutput {
  readonly #command: string;
  readonly #isOfSession: boolean;
  readonly #means: CommandMeans;
  readonly #lines: WaitingLines;
  #run: CommandRun | null = null;
  #isFailing = false;
  /** it has read what it wanted */
  #isSatisfied = false;
  #isClosing = false;

  /** @param isOfSession it is for one session; where it ends well before that, it wants no more of it */
  constructor(command: string, isOfSession: boolean, means: CommandMeans) {
    this.#command = command;
    this.#isOfSession = isOfSession;
    this.#means = means;
    this.#lines = new WaitingLines(means.room, means.troubles);
  }

  get size(): number {
    return this.#lines.size;
  }

  add(line: string): void {
    if (this.#isSatisfied || this.#lines.add(line) || this.#run === null) return;
    this.#fail('unread', 'it does not read what it is given', 'look what it waits for');
  }

  flush(now: number): number | null {
    if (this.size === 0) return null;
    if (this.#run === null) {
      const { starts } = this.#means;
      const wait = starts.waitMs(now);
      if (wait > 0) {
        if (starts.isCrowded) this.#fail('crowded', '64 of its kind run', SHARE);
        return wait;
      }
      this.#run = this.#start(now);
    }
    if (!this.#run.isRunning) return SETTLING_MS;
    this.#run.give(this.#lines.take());
    return null;
  }

  /** Each session has a run of its own then. */
  reopen(): void {}

  async close(now: number): Promise<void> {
    // What is given back to a run that is over may still be given to the next one.
    this.flush(now);
    this.#isClosing = true;
    await this.#run?.finish();
    this.#lines.lose(this.#lines.take());
  }

  #start(now: number): CommandRun {
    const { env, starts } = this.#means;
    starts.begun();
    return new CommandRun(this.#command, now, {
      env,
      taken: (octets) => this.#taken(octets),
      over: (end) => this.#over(end),
      gone: () => starts.ended(),
    });
  }

  #taken(octets: number): void {
    this.#lines.done(octets);
    const run = this.#run;
    if (!this.#isFailing || run === null || !run.isIdle) return;
    if (this.#means.now() - run.startedAt < PROVEN_MS) return;
    this.#isFailing = false;
    this.#means.troubles.worksAgain(this.#subject);
  }

  #over({ how, isWell, refused }: RunEnd): void {
    const { starts, now, wake } = this.#means;
    // What it says may differ each time.
    const cause = how.replace(/:.*/s, '');
    const livedMs = now() - (this.#run?.startedAt ?? 0);
    this.#run = null;
    if (isWell && this.#isOfSession) {
      this.#isSatisfied = true;
      this.#lines.done(refused.length + this.#lines.take().length);
      return;
    }
    if (this.#isClosing) {
      this.#lines.lose(refused);
      if (!isWell) this.#fail(cause, `it ${how}`, 'some of the last entries may be lost');
      return;
    }
    this.#lines.putBack(refused);
    starts.failed(now(), livedMs);
    this.#fail(cause, `it ${how}`, 'it is started again when there is more; what it had not read is lost');
    if (this.size > 0) wake();
  }

  #fail(cause: string, what: string, hint: string): void {
    this.#isFailing = true;
    this.#means.troubles.failed(this.#subject, { cause, what, hint });
  }

  get #subject(): string {
    return `|${this.#command}`;
  }
}
