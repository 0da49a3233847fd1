// Where servers hand messages on to in the workload `forward`: an smtp-sink for each, outside of the server's tree of
// processes, so that its CPU time is not counted.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { openClient } from './smtp-client.ts';
import { SESSION_LIMIT } from './targets/target.ts';

const START_LIMIT_MS = 10_000;

/** Starts it and waits for its greeting. Gives what stops it. @throws Error when it does not greet */
export async function startNextHop(port: number, signal: AbortSignal): Promise<() => Promise<void>> {
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const args = [...user, '-m', String(SESSION_LIMIT), `inet:127.0.0.1:${port}`, '1024'];
  const child = spawn('smtp-sink', args, { stdio: 'ignore' });
  child.on('error', () => {});
  const stop = () => stopChild(child);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_LIMIT_MS)]);
  while (!(await greets(port, limit))) {
    if (limit.aborted || child.exitCode !== null) {
      await stop();
      throw new Error('smtp-sink, the next hop, gave no greeting');
    }
    await sleep(10);
  }
  return stop;
}

async function greets(port: number, signal: AbortSignal): Promise<boolean> {
  const client = await openClient(port, signal).catch(() => null);
  const text = await client?.reply().catch(() => '');
  client?.close();
  return text?.startsWith('220') === true;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
