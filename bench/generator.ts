// Postfix's smtp-source(1): sends a number of messages over parallel sessions, and fails on any reply that is
// not the one it wants.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOMAIN } from './targets/target.ts';

export interface Load {
  readonly sessions: number;
  readonly messages: number;
  /** octets of a message without its header */
  readonly octets: number;
  /** many messages over one connection */
  readonly reuse: boolean;
}

/** Sends the load and gives the seconds it took. @throws Error when a message was not taken or time is up */
export async function send(load: Load, port: number, signal: AbortSignal): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'qpsmtpd-bench-'));
  try {
    return await sendWith(load, port, signal, join(folder, 'counter'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

// The running counter goes to a file: read through a pipe it would wake the bench for every message.
async function sendWith(load: Load, port: number, signal: AbortSignal, counter: string): Promise<number> {
  await using output = await open(counter, 'w');
  const started = performance.now();
  const child = spawn('smtp-source', argumentsOf(load, port), {
    stdio: ['ignore', output.fd, 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < 500) complaint += text;
  });
  const [code] = await once(child, 'close').catch((error: Error) => {
    throw new Error(signal.aborted ? 'smtp-source was stopped: time is up' : error.message);
  });
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`smtp-source ended with ${code}: ${complaint.trim()}`);
  const sent = Number((await readFile(counter, 'latin1')).split(/\D+/).findLast((word) => word !== '') ?? 0);
  if (sent !== load.messages) throw new Error(`smtp-source sent ${sent} of ${load.messages} messages`);
  return seconds;
}

function argumentsOf(load: Load, port: number): readonly string[] {
  return [
    '-c',
    ...['-s', String(load.sessions)],
    ...['-m', String(load.messages)],
    ...['-l', String(load.octets)],
    ...['-M', `client.${DOMAIN}`],
    ...['-f', `sender@client.${DOMAIN}`],
    ...['-t', `recipient@${DOMAIN}`],
    ...(load.reuse ? ['-d'] : []),
    `inet:127.0.0.1:${port}`,
  ];
}
