// Sessions at rest: opens many, says EHLO in each, and keeps them until told to close.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { openClient, type SmtpClient } from './smtp-client.ts';

const SPARE_FILES = 500;
const OPEN_AT_ONCE = 50;

/** Opens the sessions, some at a time. @throws Error when the server refuses one; none stays open then */
export async function openIdle(
  count: number,
  port: number,
  signal: AbortSignal,
): Promise<readonly SmtpClient[]> {
  const clients: SmtpClient[] = [];
  try {
    while (clients.length < count) {
      const batch = Math.min(OPEN_AT_ONCE, count - clients.length);
      const opened = await Promise.allSettled(Array.from({ length: batch }, () => openOne(port, signal)));
      for (const one of opened) if (one.status === 'fulfilled') clients.push(one.value);
      const failed = opened.find((one) => one.status === 'rejected');
      if (failed) throw new Error(`after ${clients.length} sessions: ${failed.reason}`);
    }
    return clients;
  } catch (error) {
    closeAll(clients);
    throw error;
  }
}

export function closeAll(clients: readonly SmtpClient[]): void {
  for (const client of clients) client.close();
}

/**
 * Makes sure that this process, and the servers it starts later, may open a file for every session.
 * @throws Error saying what to raise
 */
export function allowSessions(sessions: number): void {
  const needed = sessions + SPARE_FILES;
  if (openFileLimit() >= needed) return;
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${needed}:${needed}`], {
      stdio: 'ignore',
    });
  } catch {
    throw new Error(`${sessions} sessions need 'ulimit -n ${needed}'; it is ${openFileLimit()}`);
  }
}

async function openOne(port: number, signal: AbortSignal): Promise<SmtpClient> {
  const client = await openClient(port, signal);
  try {
    const greeting = await client.reply();
    if (!greeting.startsWith('220')) throw new Error(`greeted with '${greeting.trim()}'`);
    await client.command('EHLO client.bench.example', '250');
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

// Node raises its own soft limit to the hard one at start.
function openFileLimit(): number {
  const match = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return match?.[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match?.[1] ?? 0);
}
