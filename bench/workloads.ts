// What is done to a server, and what is measured while it is done.

import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, residentKib } from './cpu.ts';
import { type Load, send } from './generator.ts';
import { closeAll, openIdle } from './idle-clients.ts';
import { timeSessions } from './latency.ts';
import type { Options } from './options.ts';
import { countStore, emptyStore, type Server } from './server.ts';
import { type Metric, percentile, type Sample } from './table.ts';
import type { Setup } from './targets/target.ts';
import { runTlsSessions } from './tls-sessions.ts';

export interface Run {
  readonly options: Options;
  readonly ticksPerSecond: number;
  readonly signal: AbortSignal;
  /** a part of the load is enough: nothing is recorded, code is to get warm */
  readonly warmUp: boolean;
}

export interface Workload {
  readonly name: string;
  readonly setup: (options: Options) => Setup;
  readonly describe: (options: Options) => string;
  readonly metrics: readonly Metric[];
  /** a server just started for every run, and no warm-up */
  readonly fresh?: boolean;
  readonly rounds?: number;
  readonly run: (server: Server, run: Run) => Promise<Sample>;
}

const WARM_UP_SHARE = 0.2;
const SETTLE_MS = 200;
const RSS_SETTLE_MS = 2000;
const RATE = 50;

const perSecond: Metric = { key: 'rate', title: 'messages/s', digits: 0 };
const cpuPerThousand: Metric = { key: 'cpu', title: 'server CPU s per 1,000 messages', digits: 3 };
const cpuPerGigabyte: Metric = { key: 'cpuPerGb', title: 'server CPU s per GB', digits: 2 };
const usual = (options: Options): Setup => (options.bare ? 'bare' : 'plugins');

export const workloads: readonly Workload[] = [
  stream('connections', usual, { sessions: 50, messages: 5000, octets: 4096, reuse: false }),
  stream('reuse', usual, { sessions: 20, messages: 5000, octets: 4096, reuse: true }),
  stream('big', usual, { sessions: 4, messages: 40, octets: 10_000_000, reuse: false }, [cpuPerGigabyte]),
  stream('plugins', () => 'plugins', { sessions: 50, messages: 5000, octets: 4096, reuse: false }),
  stream('maildir', () => 'maildir', { sessions: 50, messages: 5000, octets: 4096, reuse: false }),
  stream('forward', () => 'forward', { sessions: 50, messages: 10_000, octets: 4096, reuse: false }),
  {
    name: 'idle',
    setup: usual,
    describe: (options) =>
      `${idleSessions(options)} sessions at rest after EHLO; RSS, or PSS of several processes`,
    metrics: [
      { key: 'perSession', title: 'KiB per session', digits: 1 },
      { key: 'sessions', title: 'sessions', digits: 0 },
      { key: 'before', title: 'MiB before', digits: 1 },
      { key: 'after', title: 'MiB with the sessions', digits: 1 },
    ],
    fresh: true,
    run: runIdle,
  },
  {
    name: 'start',
    setup: usual,
    describe: () => 'from spawn to the first 220',
    metrics: [{ key: 'ms', title: 'ms', digits: 0 }],
    fresh: true,
    rounds: 10,
    run: async (server) => ({ ms: server.startMs }),
  },
  {
    name: 'latency',
    setup: usual,
    describe: (options) =>
      `${paceOf(options).sessions} sessions begun at ${RATE}/s, one message of 4096 octets each`,
    metrics: [
      { key: 'p50', title: 'session p50, ms', digits: 2 },
      { key: 'p99', title: 'session p99, ms', digits: 2 },
      cpuPerThousand,
    ],
    run: runLatency,
  },
  starttls('starttls', 'tls', 'P-256'),
  starttls('starttls-rsa', 'tls-rsa', 'RSA-2048'),
];

export function idleSessions(options: Options): number {
  return options.sessions ?? 5000;
}

function stream(
  name: string,
  setup: Workload['setup'],
  load: Load,
  further: readonly Metric[] = [],
): Workload {
  const asked = ({ sessions, messages }: Options): Load => ({
    ...load,
    sessions: sessions ?? load.sessions,
    messages: messages ?? load.messages,
  });
  return {
    name,
    setup,
    describe: (options) => describeLoad(asked(options)),
    metrics: [perSecond, cpuPerThousand, ...further],
    run: (server, run) => runStream(server, run, asked(run.options)),
  };
}

function starttls(name: string, setup: Setup, certificate: string): Workload {
  const load = ({ messages, sessions }: Options) => ({ sessions: messages ?? 1000, atOnce: sessions ?? 10 });
  return {
    name,
    setup: () => setup,
    describe: (options) => {
      const { sessions, atOnce } = load(options);
      return `${sessions} sessions of EHLO, STARTTLS, EHLO, QUIT with TLS 1.3, X25519 and ${certificate}, ${atOnce} at once`;
    },
    metrics: [
      { key: 'rate', title: 'sessions/s', digits: 0 },
      { key: 'cpu', title: 'server CPU s per 1,000 sessions', digits: 3 },
    ],
    run: async (server, run) => {
      const { sessions, atOnce } = load(run.options);
      const count = run.warmUp ? Math.ceil(sessions * WARM_UP_SHARE) : sessions;
      const { result: seconds, cpu } = await withCpu(server, run, () =>
        runTlsSessions({ sessions: count, atOnce }, server.port, run.signal),
      );
      return { rate: count / seconds, cpu: (cpu / count) * 1000 };
    },
  };
}

function describeLoad({ sessions, messages, octets, reuse }: Load): string {
  const way = reuse ? 'many per connection' : 'one per connection';
  return `${messages} messages of ${octets} octets, ${sessions} sessions at once, ${way}`;
}

async function runStream(server: Server, run: Run, load: Load): Promise<Sample> {
  const messages = run.warmUp ? Math.ceil(load.messages * WARM_UP_SHARE) : load.messages;
  const sessions = Math.min(load.sessions, messages, server.target.maxSessions ?? load.sessions);
  await emptyStore(server);
  const { result: seconds, cpu } = await withCpu(server, run, () =>
    send({ ...load, messages, sessions }, server.port, run.signal),
  );
  const stored = await countStore(server);
  if (stored !== null && stored !== messages)
    throw new Error(`${stored} of ${messages} messages are on disk`);
  return {
    rate: messages / seconds,
    cpu: (cpu / messages) * 1000,
    cpuPerGb: cpu / ((messages * load.octets) / 1e9),
  };
}

async function runIdle(server: Server, run: Run): Promise<Sample> {
  const sessions = Math.min(idleSessions(run.options), server.target.maxSessions ?? Number.POSITIVE_INFINITY);
  await sleep(RSS_SETTLE_MS, undefined, { signal: run.signal });
  const before = residentKib(server.pid);
  const clients = await openIdle(sessions, server.port, run.signal);
  try {
    await sleep(RSS_SETTLE_MS, undefined, { signal: run.signal });
    const after = residentKib(server.pid);
    return { perSession: (after - before) / sessions, before: before / 1024, after: after / 1024, sessions };
  } finally {
    closeAll(clients);
  }
}

async function runLatency(server: Server, run: Run): Promise<Sample> {
  const pace = paceOf(run.options);
  const sessions = run.warmUp ? Math.ceil(pace.sessions * WARM_UP_SHARE) : pace.sessions;
  await emptyStore(server);
  const { result: times, cpu } = await withCpu(server, run, () =>
    timeSessions({ ...pace, sessions }, server.port, run.signal),
  );
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), cpu: (cpu / sessions) * 1000 };
}

function paceOf(options: Options) {
  return { sessions: options.messages ?? RATE * 10, rate: RATE, octets: 4096 };
}

// A server may have work left when the client has its last reply.
async function withCpu<T>(
  server: Server,
  run: Run,
  work: () => Promise<T>,
): Promise<{ result: T; cpu: number }> {
  const before = cpuSeconds(server.pid, run.ticksPerSecond);
  const result = await work();
  await sleep(SETTLE_MS);
  return { result, cpu: cpuSeconds(server.pid, run.ticksPerSecond) - before };
}
