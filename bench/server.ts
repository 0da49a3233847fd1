// Starts a target, waits for its greeting, and stops it: every process of it, by process id.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, tree } from './cpu.ts';
import { startNextHop } from './next-hop.ts';
import { openClient } from './smtp-client.ts';
import type { Setup, Target } from './targets/target.ts';

const START_LIMIT_MS = 30_000;
// A server that took the connection and lost it in its own start is asked again.
const GREETING_LIMIT_MS = 5_000;
const STOP_LIMIT_MS = 5_000;

export interface Server {
  readonly target: Target;
  readonly pid: number;
  readonly port: number;
  /** milliseconds from spawn to the first greeting */
  readonly startMs: number;
  /** folder of accepted messages, where the target keeps them */
  readonly store: string | null;
  stop(): Promise<void>;
}

/** @throws Error with the end of the server's log when it does not greet */
export async function startServer(target: Target, setup: Setup, signal: AbortSignal): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'qpsmtpd-bench-'));
  const discardFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const port = await freePort();
    const nextPort = setup === 'forward' ? await freePort() : 0;
    const launch = await target.prepare({ folder, port, setup, nextPort });
    const stopNextHop = nextPort === 0 ? null : await startNextHop(nextPort, signal);
    const started = performance.now();
    const child = launchIn(folder, launch.file, launch.args, launch.env);
    const pid = child.pid;
    if (pid === undefined) {
      await stopNextHop?.();
      throw new Error(`${launch.file} cannot be run`);
    }
    const stop = async () => {
      await stopTree(pid, child);
      await stopNextHop?.();
      await discardFolder();
    };
    try {
      await greeting(port, child, signal);
    } catch (error) {
      const log = await readFile(join(folder, 'output'), 'utf8').catch(() => '');
      await stop();
      throw new Error(`${error instanceof Error ? error.message : error}\n${log.slice(-1500)}`.trim());
    }
    const startMs = performance.now() - started;
    return { target, pid, port, startMs, store: launch.store ?? null, stop };
  } catch (error) {
    await discardFolder();
    throw error;
  }
}

/** Removes what the server has accepted so far. */
export async function emptyStore(server: Server): Promise<void> {
  if (server.store === null) return;
  await mkdir(server.store, { recursive: true });
  for (const name of await readdir(server.store)) await rm(join(server.store, name), { recursive: true });
}

/** Number of messages in the store; null where there is none. */
export async function countStore(server: Server): Promise<number | null> {
  return server.store === null ? null : (await readdir(server.store)).length;
}

function launchIn(
  folder: string,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const output = openSync(join(folder, 'output'), 'a');
  const child = spawn(file, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  });
  child.on('error', () => {});
  closeSync(output);
  return child;
}

async function greeting(port: number, child: ChildProcess, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_LIMIT_MS)]);
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('ended before its greeting');
    if (limit.aborted) throw new Error('gave no greeting in time');
    if (await greets(port, limit)) return;
    await sleep(2);
  }
}

async function greets(port: number, stop: AbortSignal): Promise<boolean> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(GREETING_LIMIT_MS)]);
  const client = await openClient(port, signal).catch(() => null);
  if (client === null) return false;
  const text = await client.reply().catch(() => '');
  client.close();
  return text.startsWith('220');
}

async function stopTree(pid: number, child: ChildProcess): Promise<void> {
  const all = new Set(tree(pid));
  signalAll(all, 'SIGTERM');
  const deadline = performance.now() + STOP_LIMIT_MS;
  while (performance.now() < deadline && [...all].some(isRunning)) {
    for (const one of tree(pid)) all.add(one);
    await sleep(20);
  }
  signalAll([...all].filter(isRunning), 'SIGKILL');
  child.unref();
}

function signalAll(pids: Iterable<number>, signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
