// SIGUSR2 in tests: a new process takes the place of the one that runs.

import { eventually, isRunning, signalAll } from './processes.ts';
import type { TestServer } from './server-process.ts';

const HANDED = /handed over to process (\d+)/g;

/** Waits for one more hand-over; gives the process that has taken over. @param from the one that is to be replaced */
export async function handOver(server: TestServer, from: number): Promise<number> {
  const handed = () => [...server.stderr().matchAll(HANDED)];
  const before = handed().length;
  process.kill(from, 'SIGUSR2');
  await eventually('a hand-over', () => handed().length > before, 60_000);
  return Number(handed().at(-1)?.[1]);
}

export async function stopProcess(pid: number): Promise<void> {
  signalAll([pid], 'SIGTERM');
  await eventually(`the end of process ${pid}`, () => !isRunning(pid));
}
