// Says goodbye with a fortune cookie (qpsmtpd: plugins/quit_fortune). The program is started without a shell,
// is given little time, and its output is bounded, since a client waits for it.

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type AtSession, declined, definePlugin, done, printable } from 'qpsmtpd';

const FORTUNE = '/usr/games/fortune';
const LONGEST_WAIT_MS = 2000;
const MOST_OUTPUT_OCTETS = 16_384;
const MOST_LINES = 20;

const run = promisify(execFile);

export default definePlugin({
  name: 'quit_fortune',
  summary: 'says goodbye with a fortune cookie',
  docs: `Adds a saying of the program ${FORTUNE} (as fortune -s gives it, ${MOST_LINES} lines at most) to the answer to QUIT.
Only clients that said HELO get one: who says EHLO is a program and would not enjoy it.

Without that program the plugin does nothing; it is looked for once, at start. When the program fails, or takes more
than ${LONGEST_WAIT_MS / 1000} seconds, the answer is the usual one. The name in the answer is that of config/me.

Example, in config/plugins: quit_fortune

Log lines: "skip" when there is no such program, "error" when it failed.`,
  async setup({ hostname, log }) {
    const found = await access(FORTUNE, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!found) {
      log.info(`skip, no ${FORTUNE} here`);
      return {};
    }
    return {
      quit(at) {
        return at.connection.hello?.verb === 'helo' ? farewell(at, hostname) : declined;
      },
    };
  },
});

async function farewell(at: AtSession, hostname: string) {
  try {
    const saying = sayingLines(await outputOf(FORTUNE, ['-s'], LONGEST_WAIT_MS, at.signal));
    return done({ code: 221, status: '2.0.0', lines: [`${hostname} says goodbye`, ...saying] });
  } catch (error) {
    at.log.warn(`error, ${FORTUNE}: ${error instanceof Error ? error.message : error}`);
    return declined;
  }
}

/** What a program writes. Rejects when it fails, writes too much, or takes more than `limitMs`. */
export async function outputOf(program: string, args: string[], limitMs: number, signal: AbortSignal) {
  const bounds = { timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT_OCTETS, signal } as const;
  return (await run(program, args, bounds)).stdout;
}

/** The program's output as lines of a reply. */
export function sayingLines(output: string): string[] {
  const lines = output.trimEnd().split(/\r?\n/).slice(0, MOST_LINES);
  return lines.filter((line) => line !== '').map((line) => `  / ${printable(line.replaceAll('\t', '  '))}`);
}
