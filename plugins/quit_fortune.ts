// Says goodbye with a fortune cookie (qpsmtpd: plugins/quit_fortune). The program is started without a shell, is
// given little time, and its output is bounded. It runs at most once a second however many say goodbye: a process
// for each would cost more than the mail, and anybody could ask for as many as he likes.

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Clock, declined, definePlugin, done, printable } from 'qpsmtpd';

const FORTUNE = '/usr/games/fortune';
const LONGEST_WAIT_MS = 2000;
const MOST_OUTPUT_OCTETS = 16_384;
const MOST_LINES = 20;
const MOST_SAYINGS = 32;
const SHORTEST_PAUSE_MS = 1000;

const run = promisify(execFile);

export default definePlugin({
  name: 'quit_fortune',
  summary: 'says goodbye with a fortune cookie',
  docs: `Adds a saying of the program ${FORTUNE} (as fortune -s gives it, ${MOST_LINES} lines at most) to the answer to QUIT.
Only clients that said HELO get one: who says EHLO is a program and would not enjoy it.

The program is started at most once a second; in between, earlier sayings come round again. Without it the plugin does
nothing; it is looked for once, at start. While no saying is there, because the program fails or takes more than
${LONGEST_WAIT_MS / 1000} seconds, the answer is the usual one.

Example, in config/plugins: quit_fortune

Log lines: "skip" when there is no such program, "error" when it failed.`,
  async setup({ log, clock }) {
    const found = await access(FORTUNE, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!found) {
      log.info(`skip, no ${FORTUNE} here`);
      return {};
    }
    const sayings = new Sayings(clock, async () => {
      try {
        return sayingLines(await outputOf(FORTUNE, ['-s'], LONGEST_WAIT_MS));
      } catch (error) {
        log.warn(`error, ${FORTUNE}: ${error instanceof Error ? error.message : error}`);
        return null;
      }
    });
    return {
      async quit(at) {
        if (at.connection.hello?.verb !== 'helo') return declined;
        const saying = sayings.next() ?? (await sayings.first());
        if (saying === null) return declined;
        const [me = ''] = await at.config('me');
        return done({ code: 221, status: '2.0.0', lines: [`${me} says goodbye`, ...saying] });
      },
    };
  },
});

/** Sayings that come round, with a new one now and then. */
export class Sayings {
  readonly #clock: Clock;
  readonly #fetch: () => Promise<readonly string[] | null>;
  readonly #stock: (readonly string[])[] = [];
  #turn = 0;
  #fetchedAt = -Infinity;
  #underWay: Promise<void> | null = null;

  /** @param fetch gives the lines of a saying, or null when there is none to be had; never rejects */
  constructor(clock: Clock, fetch: () => Promise<readonly string[] | null>) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  /** The next one of the stock, at once; null while it is empty. */
  next(): readonly string[] | null {
    if (this.#stock.length === 0) return null;
    this.#refresh();
    this.#turn++;
    return this.#stock[this.#turn % this.#stock.length] ?? null;
  }

  /** Waits for a first one. */
  async first(): Promise<readonly string[] | null> {
    this.#refresh();
    await this.#underWay;
    return this.next();
  }

  #refresh(): void {
    const now = this.#clock.monotonic();
    if (this.#underWay !== null || now - this.#fetchedAt < SHORTEST_PAUSE_MS) return;
    this.#fetchedAt = now;
    this.#underWay = this.#fetch().then((lines) => {
      this.#underWay = null;
      if (lines === null) return;
      if (this.#stock.length >= MOST_SAYINGS) this.#stock.shift();
      this.#stock.push(lines);
    });
  }
}

/** What a program writes. Rejects when it fails, writes too much, or takes more than `limitMs`. */
export async function outputOf(program: string, args: string[], limitMs: number) {
  const bounds = { timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT_OCTETS } as const;
  return (await run(program, args, bounds)).stdout;
}

/** The program's output as lines of a reply. */
export function sayingLines(output: string): string[] {
  const lines = output.trimEnd().split(/\r?\n/).slice(0, MOST_LINES);
  return lines.filter((line) => line !== '').map((line) => `  / ${printable(line.replaceAll('\t', '  '))}`);
}
