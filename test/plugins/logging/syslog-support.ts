// Daemons for the tests of logging/syslog: one that takes datagrams at a socket in the file system, which takes Python, as
// Node has none of that kind; a script in the place of logger; and messages as the plugin makes them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogEntry } from 'qpsmtpd';
import type { LinkOwner, LinkProblem } from '../../../plugins/logging/_syslog-link.ts';
import type { Sender, SyslogMessage } from '../../../plugins/logging/_syslog-message.ts';
import { cleanUp } from '../../support/cleanup.ts';
import { eventually } from '../../support/processes.ts';

export const sender: Sender = { ident: 'qpsmtpd', pid: 4711, host: 'mx', facility: 2, priority: null };

export const entry: LogEntry = {
  level: 'info',
  text: 'pass',
  plugin: 'relay',
  hook: 'connect',
  id: '4711.12',
  time: new Date(2026, 0, 5, 9, 8, 7),
};

export function message(text: string, priority = 22): SyslogMessage {
  return { priority, text, time: entry.time };
}

export function makeFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-syslog-'));
  cleanUp(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** What a link tells its owner. */
export function listener() {
  const heard = { taken: 0, problems: [] as LinkProblem[] };
  const owner: LinkOwner = {
    taken: (count) => {
      heard.taken += count;
    },
    failed: (problem) => void heard.problems.push(problem),
  };
  return Object.assign(heard, { owner });
}

export interface StandIn {
  /** an environment in which logger is the script */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** lines that it was given, of all its processes */
  lines(): readonly string[];
  /** its arguments, a line a process; empty where it was never started */
  starts(): readonly string[];
}

/**
 * A script in the place of logger, which says again what it is given, as `logger --stderr` does.
 *
 * @param each shell commands for each line, which is in $line, before it is written down
 */
export function standInLogger({ start = '', each = '' } = {}): StandIn {
  const dir = makeFolder();
  const [lines, starts] = [join(dir, 'lines'), join(dir, 'starts')];
  const script = `#!/bin/sh
printf '%s\\n' "$*" >> '${starts}'
${start}
while IFS= read -r line; do
${each}
printf '%s\\n' "$line" >> '${lines}'
printf '%s\\n' "$line" >&2
done
`;
  writeFileSync(join(dir, 'logger'), script);
  chmodSync(join(dir, 'logger'), 0o755);
  return {
    env: { PATH: `${dir}:${process.env['PATH']}` },
    lines: () => linesOf(lines),
    starts: () => linesOf(starts),
  };
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'latin1').split('\n').slice(0, -1) : [];
}

const DAEMON = `
import os, socket, sys
daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
daemon.bind(sys.argv[1])
print("ready", flush=True)
while True:
    datagram = daemon.recv(65536)
    print(datagram.decode("latin-1").rstrip("\\n\\0"), flush=True)
`;

export interface Daemon {
  /** what it has taken, a datagram a line */
  taken(): readonly string[];
  /** Stops it from taking anything, or lets it go on. */
  hold(isHeld: boolean): void;
  stop(): Promise<void>;
}

/** Takes datagrams at a socket until it is stopped, at the latest at the end of the test. */
export async function startDatagramDaemon(socket: string): Promise<Daemon> {
  const child = spawn('python3', ['-c', DAEMON, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    said += text;
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await gone;
    rmSync(socket, { force: true });
  };
  cleanUp(stop);
  await eventually('the daemon listens', () => said.startsWith('ready\n'));
  const hold = (isHeld: boolean) => void child.kill(isHeld ? 'SIGSTOP' : 'SIGCONT');
  return { taken: () => said.split('\n').slice(1, -1), hold, stop };
}

/** Priority and text of a message, without the time, which is that of the test. */
export function plain(received: string): string {
  const match = /^(<\d+>)[A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d (.*)$/.exec(received);
  assert.ok(match, `${received} is no message of RFC 3164`);
  return `${match[1]}${match[2]}`;
}
