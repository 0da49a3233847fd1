// The side of systemd that hears how a service is (sd_notify(3)): Node cannot open such a socket, so Python does.
// Every message is kept with the time at which it came.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cleanUp } from './cleanup.ts';

const PATIENCE_MS = 20_000;

// A sender waits (BARRIER=1) until the descriptor that it sends along is closed.
const script = `
import json, os, socket, sys, time
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.bind(sys.argv[1])
    os.chmod(sys.argv[1], 0o777)
    print(json.dumps({"us": 0, "lines": ["BOUND=1"]}), flush=True)
    while True:
        data, fds, flags, sender = socket.recv_fds(s, 65536, 16)
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        print(json.dumps({"us": now, "lines": data.decode().splitlines()}), flush=True)
        for fd in fds: os.close(fd)
`;

export interface Notice {
  /** when it came: microseconds of the clock that process.hrtime has */
  readonly us: number;
  /** such as READY=1 */
  readonly lines: readonly string[];
}

export class SystemdStandIn {
  readonly socket: string;
  readonly notices: Notice[] = [];
  readonly #watchers = new Set<() => void>();

  constructor(socket: string, child: ChildProcess) {
    this.socket = socket;
    if (child.stdout === null) throw new Error('there is no pipe');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const notice: Notice = JSON.parse(line);
      if (!notice.lines.includes('BARRIER=1')) this.notices.push(notice);
      for (const look of this.#watchers) look();
    });
  }

  /** The first notice with this line, from a place on. */
  heard(line: string | RegExp, from = 0): Promise<Notice> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.notices.slice(from).find(({ lines }) => lines.some((one) => fits(one, line)));
        if (found === undefined) return;
        settle();
        resolve(found);
      };
      const settle = () => {
        clearTimeout(deadline);
        this.#watchers.delete(look);
      };
      const deadline = setTimeout(() => {
        settle();
        reject(new Error(`systemd did not hear ${line}, only ${JSON.stringify(this.notices)}`));
      }, PATIENCE_MS);
      this.#watchers.add(look);
      look();
    });
  }

  /** Times of the notices with this line. */
  timesOf(line: string): number[] {
    return this.notices.filter(({ lines }) => lines.includes(line)).map(({ us }) => us);
  }
}

function fits(line: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? line === wanted : wanted.test(line);
}

/** Why there cannot be one here; false where there can. */
export function whyNoSystemd(): string | false {
  if (!existsSync('/usr/bin/systemd-notify')) return 'needs systemd-notify';
  return existsSync('/usr/bin/python3') ? false : 'needs /usr/bin/python3';
}

export async function startSystemd(): Promise<SystemdStandIn> {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-systemd-'));
  const socket = join(dir, 'notify');
  const child = spawn('/usr/bin/python3', ['-c', script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const systemd = new SystemdStandIn(socket, child);
  cleanUp(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    rmSync(dir, { recursive: true, force: true });
  });
  await systemd.heard('BOUND=1');
  return systemd;
}
