// A stand-in for systemd with a socket unit: it holds a listening socket and starts the program with it, again and
// again, as sd_listen_fds(3) describes it. Clients who come meanwhile wait in the queue of the socket.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { BoundSocket } from 'node:net';
import { join } from 'node:path';
import { cleanUp } from './cleanup.ts';
import { eventually } from './processes.ts';
import { plainEnv, programCommand } from './program.ts';
import { makeServerDir, type ServerOptions } from './server-process.ts';

export interface Unit {
  readonly port: number;
  readonly dir: string;
  /** Starts the program; resolves when it serves. */
  start(): Promise<void>;
  /** SIGTERM; resolves with its exit code when it is gone. */
  stop(): Promise<number | null>;
  stderr(): string;
}

type Options = Pick<ServerOptions, 'config' | 'files' | 'args'> & { readonly model: 'serve' | 'forkserver' };

export function makeUnit({ model, args = [], ...folder }: Options): Unit {
  const dir = makeServerDir(folder);
  const socket = new BoundSocket({ host: '127.0.0.1', port: 0 });
  const { command, args: program } = programCommand();
  const user = process.getuid?.() === 0 ? ['--user', 'root'] : [];
  const words = [...program, model, ...user, '--config', join(dir, 'config'), ...args];
  const state: { child: ChildProcess | null; stderr: string } = { child: null, stderr: '' };
  const listening = () => state.stderr.match(/Listening on/g)?.length ?? 0;
  cleanUp(async () => {
    const { child } = state;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    socket.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    port: socket.address().port,
    dir,
    stderr: () => state.stderr,
    async start() {
      const before = listening();
      // Only the shell knows the process id that the program will have.
      const child = spawn('/bin/sh', ['-c', 'LISTEN_PID=$$ exec "$0" "$@"', command, ...words], {
        env: plainEnv(dir, { LISTEN_FDS: '1', LISTEN_FDNAMES: 'smtp' }),
        stdio: ['ignore', 'ignore', 'pipe', socket.fd()],
      });
      state.child = child;
      child.stderr?.setEncoding('latin1').on('data', (text: string) => {
        state.stderr += text;
      });
      await eventually('the unit', () => listening() > before);
    },
    async stop() {
      const { child } = state;
      if (child === null) return null;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const [code]: (number | null)[] = await gone;
      return code ?? null;
    },
  };
}
