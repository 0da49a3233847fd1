// Sessions begun at a steady rate, whether earlier ones are done or not, each timed from connect to the reply
// to QUIT.

import { setTimeout as sleep } from 'node:timers/promises';
import { openClient } from './smtp-client.ts';
import { DOMAIN } from './targets/target.ts';

export interface Pace {
  readonly sessions: number;
  /** sessions begun a second */
  readonly rate: number;
  readonly octets: number;
}

/** Milliseconds of each session. @throws Error when one fails */
export async function timeSessions(
  pace: Pace,
  port: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const message = makeMessage(pace.octets);
  const started = performance.now();
  const sessions: Promise<number>[] = [];
  for (let n = 0; n < pace.sessions; n += 1) {
    const wait = started + (n * 1000) / pace.rate - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal });
    const session = timeSession(message, port, signal);
    session.catch(() => {});
    sessions.push(session);
  }
  return Promise.all(sessions);
}

async function timeSession(message: string, port: number, signal: AbortSignal): Promise<number> {
  const started = performance.now();
  const client = await openClient(port, signal);
  try {
    await client.reply();
    await client.command(`EHLO client.${DOMAIN}`, '250');
    await client.command(`MAIL FROM:<sender@client.${DOMAIN}>`, '250');
    await client.command(`RCPT TO:<recipient@${DOMAIN}>`, '250');
    await client.command('DATA', '354');
    await client.command(message, '250');
    await client.command('QUIT', '221');
    return performance.now() - started;
  } finally {
    client.close();
  }
}

function makeMessage(octets: number): string {
  const line = `${'x'.repeat(70)}\r\n`;
  const header = `From: <sender@client.${DOMAIN}>\r\nTo: <recipient@${DOMAIN}>\r\nSubject: bench\r\n\r\n`;
  return `${header}${line.repeat(Math.ceil(octets / line.length))}.`;
}
