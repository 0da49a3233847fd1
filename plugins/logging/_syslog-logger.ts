// The way to a daemon whose socket takes datagrams, as those of this host do: Node has none in the file system, so
// they go by the program logger of util-linux. One process of it takes the messages of all its life on standard input,
// and says each again on standard error once it is sent: what it has not said is sent anew by the next one.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { CLOSE_MS, type LinkOwner, onceOnly, type SyslogLink } from './_syslog-link.ts';
import type { Sender, SyslogMessage } from './_syslog-message.ts';

export interface LoggerMeans {
  readonly sender: Sender;
  /** path of the daemon's socket */
  readonly socket: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

// What is sent to all processes of the server must not end the one that writes down how they end. It goes when its
// input does, and has then written everything, even if nobody is left to read its echo.
const UNTOUCHED = 'trap "" HUP INT QUIT TERM PIPE; exec "$0" "$@"';
const ECHO = '<';
/** lines of its own words that are kept: what comes behind is usage */
const MOST_WORDS = 2;
const NOT_SENT = /^logger: send message failed/;
const NOT_FOUND = 127;

type Child = ChildProcessByStdio<Writable, null, Readable>;

export function openLogger(means: LoggerMeans, owner: LinkOwner): SyslogLink {
  return new LoggerLink(startLogger(means), owner);
}

function startLogger({ sender, socket, env }: LoggerMeans): Child {
  const args = [
    '--prio-prefix',
    '--stderr',
    // Else it goes on without a word where the daemon does not.
    '--socket-errors=on',
    `--socket=${socket}`,
    `--id=${sender.pid}`,
    `--tag=${sender.ident}`,
  ];
  return spawn('/bin/sh', ['-c', UNTOUCHED, 'logger', ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // Of a folder that we were started in, nothing should keep hold.
    cwd: '/',
    env: { ...env, LC_ALL: 'C' },
  });
}

class LoggerLink implements SyslogLink {
  readonly #child: Child;
  readonly #owner: ReturnType<typeof onceOnly>;
  /** line of its standard error without an end so far */
  #line = '';
  /** what it has said of its own */
  readonly #words: string[] = [];
  #isGone = false;

  constructor(child: Child, owner: LinkOwner) {
    this.#child = child;
    this.#owner = onceOnly(owner);
    // What it does not take is told by its end.
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('latin1').on('data', (text: string) => this.#hear(text));
    child.on('error', (error) => this.#end(`/bin/sh cannot be run: ${error.message}`));
    child.on('close', (code, signal) => this.#end(this.#whyEnded(code, signal)));
    // It is no reason for a process to live on.
    child.unref();
    for (const stream of [child.stdin, child.stderr]) if (stream instanceof Socket) stream.unref();
  }

  send(messages: readonly SyslogMessage[]): void {
    const lines = messages.map(({ priority, text }) => `<${priority}>${text}\n`);
    this.#child.stdin.write(lines.join(''), 'latin1');
  }

  close(): Promise<void> {
    this.#owner.end();
    return new Promise((resolve) => {
      if (this.#isGone) return resolve();
      const late = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_MS);
      this.#child.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      this.#child.stdin.end();
    });
  }

  abandon(): void {
    this.#owner.end();
    this.#child.stdin.destroy();
    this.#child.kill('SIGKILL');
  }

  #hear(text: string): void {
    const lines = `${this.#line}${text}`.split('\n');
    this.#line = lines.pop() ?? '';
    // It says such a message again all the same, and goes on.
    const at = lines.findIndex((line) => NOT_SENT.test(line));
    const before = at < 0 ? lines : lines.slice(0, at);
    const own = before.filter((line) => !line.startsWith(ECHO));
    this.#words.push(...own.slice(0, MOST_WORDS - this.#words.length));
    if (own.length < before.length) this.#owner.taken(before.length - own.length);
    const [problem] = lines.slice(before.length);
    if (problem === undefined) return;
    this.#end(problem);
    this.abandon();
  }

  #end(what: string): void {
    this.#isGone = true;
    this.#owner.failed({ what, advice: this.#advice(what) });
  }

  #whyEnded(code: number | null, signal: string | null): string {
    const words = [...this.#words, this.#line].slice(0, MOST_WORDS).join(' ').trim();
    if (code === NOT_FOUND) return 'there is no program logger';
    if (words !== '') return words;
    return code === null ? `logger was killed by ${signal}` : `logger ended with ${code}`;
  }

  #advice(what: string): string {
    if (/no program logger/.test(what)) return GET_LOGGER;
    // busybox, and util-linux before 2.27
    if (/(?:unrecognized|invalid|unknown) option|busybox/i.test(what)) return `${NOT_THE_ONE}; ${GET_LOGGER}`;
    if (/^logger: socket /.test(what)) return socketAdvice;
    return 'it is started anew';
  }
}

export const NOT_THE_ONE = 'this logger does not know --prio-prefix, as that of util-linux does';
export const GET_LOGGER =
  'install that of util-linux (Debian: bsdutils, Alpine: logger), or write logsock stream or udp, where the daemon listens there';
export const socketAdvice = 'start the syslog daemon, or write socket PATH if its socket is elsewhere';
