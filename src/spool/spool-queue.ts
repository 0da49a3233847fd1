// A spool at work: takes messages, and delivers them by a queue plugin. What queue/spool is made of.

import type { AtEnvelope, Logger } from '../contract/at.ts';
import type { Clock, QueueTarget } from '../contract/plugin.ts';
import { Courier } from './courier.ts';
import type { Timer } from './delivery.ts';
import { MailSpool } from './mail-spool.ts';
import { systemProcesses } from './processes.ts';
import { envelopeOf } from './queued-envelope.ts';
import type { RetryPlan } from './retry-plan.ts';
import { type SpoolFiles, spoolFiles } from './spool-files.ts';
import { type Processes, SpoolLock } from './spool-lock.ts';
import { SpoolRunner } from './spool-runner.ts';

export interface SpoolSettings {
  /** absolute */
  readonly dir: string;
  readonly plan: RetryPlan;
  /** milliseconds that one attempt may take */
  readonly limitMs: number;
  /** messages that are tried at a time */
  readonly concurrency: number;
  /** milliseconds after which a sender who wants to know hears that a message is late; 0 = never */
  readonly delayMs: number;
  /** what becomes of a message without sender that cannot be delivered */
  readonly doubleBounce: 'drop' | 'hold';
}

/** What it needs of the world. */
export interface SpoolWorld {
  readonly clock: Clock;
  readonly pid: number;
  readonly log: Logger;
  /** what the server calls itself */
  me(): string;
  readonly files?: SpoolFiles;
  readonly processes?: Processes;
  readonly timer?: Timer;
  /** from 0 to 1 */
  readonly random?: () => number;
}

const systemTimer: Timer = (ms, work) => {
  const timer = setTimeout(work, ms).unref();
  return () => clearTimeout(timer);
};

export class SpoolQueue {
  readonly spool: MailSpool;
  readonly runner: SpoolRunner;

  constructor(settings: SpoolSettings, target: QueueTarget, world: SpoolWorld) {
    const { clock, pid, log, files = spoolFiles, timer = systemTimer, random = Math.random } = world;
    const { processes = systemProcesses(pid) } = world;
    this.spool = new MailSpool(settings.dir, files, clock);
    const parts = { spool: this.spool, clock, timer, log };
    const onReport = (id: string) => this.runner.add(id);
    const courier = new Courier({
      ...settings,
      ...parts,
      target,
      pid,
      random,
      onReport,
      me: () => world.me(),
    });
    const lock = new SpoolLock(this.spool, processes);
    this.runner = new SpoolRunner({ ...parts, lock, courier, concurrency: settings.concurrency });
  }

  /** Gives the name of the message once it is safe. @throws WriteError or GivenUp; then it is not taken */
  async take({ connection, transaction, signal }: AtEnvelope, now: Date): Promise<string> {
    const id = this.spool.newId();
    const { content } = transaction;
    const inMemory = content.inMemory('as-received');
    await this.spool.put({
      id,
      envelope: envelopeOf(connection, transaction, now),
      size: content.size,
      pieces: inMemory === null ? oneByOne(content.chunks('as-received')) : [inMemory],
      isOver: () => signal.aborted,
    });
    this.runner.add(id);
    return id;
  }
}

async function* oneByOne(chunks: AsyncIterable<Buffer>): AsyncIterable<readonly Buffer[]> {
  for await (const chunk of chunks) yield [chunk];
}
