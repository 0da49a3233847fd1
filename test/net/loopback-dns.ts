// A DNS server for tests: UDP and TCP on one free loopback port, answering as a script says. Messages are made
// with dns-packet; a script may also send raw octets, several messages or none.

import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { type Answer, decode, encode } from 'dns-packet';
import type { Clock } from '../../src/contract/plugin.ts';
import type { DnsServer } from '../../src/net/dns-server.ts';

export interface Asked {
  readonly via: 'udp' | 'tcp';
  readonly type: string;
  readonly name: string;
  /** the octets of the query */
  readonly query: Buffer;
}

/** What to send back, in order; an empty list is silence. */
export type Script = (asked: Asked) => readonly Buffer[];

export interface LoopbackDns {
  readonly server: DnsServer;
  /** questions so far, such as `udp A example.com` */
  readonly log: readonly string[];
  /** the ids and source ports that queries came with */
  readonly ids: readonly number[];
  readonly sourcePorts: readonly number[];
  /** resolves when this many questions have come */
  asked(count: number): Promise<void>;
  close(): Promise<void>;
}

interface ReplyParts {
  answers?: Answer[];
  authorities?: Answer[];
  additionals?: Answer[];
  /** 2 = SERVFAIL, 3 = NXDOMAIN, … */
  rcode?: number;
  truncated?: boolean;
  id?: number;
  name?: string;
  type?: 'A' | 'TXT';
}

/** A reply to `query`, as a recursive server would make it. */
export function replyTo(query: Buffer, parts: ReplyParts = {}): Buffer {
  const { id = 0, questions = [] } = decode(query);
  const question = questions[0] ?? { name: '.', type: 'A' as const };
  return encode({
    type: 'response',
    id: parts.id ?? id,
    flags: 0x0180 | (parts.truncated ? 0x0200 : 0) | (parts.rcode ?? 0),
    questions: [{ ...question, name: parts.name ?? question.name, type: parts.type ?? question.type }],
    answers: parts.answers ?? [],
    authorities: parts.authorities ?? [],
    additionals: parts.additionals ?? [],
  });
}

/** A SOA record by which "there is none" may be kept for `minimum` seconds. */
export function soa(minimum: number, ttl = 86_400): Answer {
  const times = { serial: 1, refresh: 1, retry: 1, expire: 1, minimum };
  return {
    type: 'SOA',
    name: 'example.com',
    ttl,
    data: { mname: 'ns.example.com', rname: 'host.example.com', ...times },
  };
}

export async function loopbackDns(script: Script): Promise<LoopbackDns> {
  const log: string[] = [];
  const ids: number[] = [];
  const sourcePorts: number[] = [];
  const watchers = new Set<() => void>();
  const clients = new Set<Socket>();
  const udp = createSocket('udp4');

  function run(via: 'udp' | 'tcp', query: Buffer): readonly Buffer[] {
    const { id = 0, questions = [] } = decode(query);
    const { type = '', name = '' } = questions[0] ?? {};
    ids.push(id);
    log.push(`${via} ${type} ${name}`);
    for (const watch of watchers) watch();
    return script({ via, type, name, query });
  }

  udp.on('message', (query, from) => {
    sourcePorts.push(from.port);
    for (const message of run('udp', query)) udp.send(message, from.port, from.address);
  });
  const tcp = createServer((socket) => {
    clients.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const messages = run('tcp', chunk.subarray(2));
      // Octet groups of odd sizes: the reader must not count on how a stream is cut.
      const whole = Buffer.concat(messages.map(framed));
      socket.write(whole.subarray(0, 1));
      setImmediate(() => socket.end(whole.subarray(1)));
    });
  });
  const port = await bindBoth(udp, tcp);

  return {
    server: { address: '127.0.0.1', port },
    log,
    ids,
    sourcePorts,
    asked: (count) =>
      new Promise((resolve) => {
        const watch = () => {
          if (log.length < count) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      }),
    close: async () => {
      for (const client of clients) client.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

// The TCP port is the free one; that nobody has the same UDP port is likely, and else the test fails loudly.
async function bindBoth(
  udp: ReturnType<typeof createSocket>,
  tcp: ReturnType<typeof createServer>,
): Promise<number> {
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const address = tcp.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  await new Promise<void>((resolve, reject) => {
    udp.once('error', reject);
    udp.bind(address.port, '127.0.0.1', resolve);
  });
  return address.port;
}

export interface ManualClock extends Clock {
  advance(seconds: number): void;
}

export function manualClock(): ManualClock {
  let ms = 0;
  return {
    now: () => new Date(ms),
    monotonic: () => ms,
    advance: (seconds) => {
      ms += seconds * 1000;
    },
  };
}
