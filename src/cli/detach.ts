// `--detach`: the program goes on in the background, in a session of its own, and whoever has started it is told once
// clients can connect. Node cannot fork: the program starts itself once more.

import { spawn } from 'node:child_process';
import { ownProgram } from '../server/own-program.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';

const MARK = 'QPSMTPD_DETACHED';

/** Whether this process is the one that goes on. To be asked once. */
export function isDetached(): boolean {
  const is = process.env[MARK] !== undefined && process.send !== undefined;
  delete process.env[MARK];
  return is;
}

/** Starts this very command line again, and waits until it serves or has failed. Gives the exit code. */
export function detach(): Promise<number> {
  const { command, args } = ownProgram();
  const child = spawn(command, [...args, ...process.argv.slice(2)], {
    argv0: process.argv0,
    env: { ...process.env, [MARK]: '1' },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  child.stderr?.pipe(process.stderr);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? EXIT_FAILED));
    child.once('message', () => {
      child.stderr?.destroy();
      child.unref();
      child.removeAllListeners('exit');
      resolve(EXIT_OK);
    });
  });
}

/** Lets go of whoever waits in `detach`. Standard error leads nowhere from then on. */
export function tellDetached(): void {
  process.send?.('serving', undefined, undefined, () => process.disconnect?.());
}
