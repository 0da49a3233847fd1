// A spool at work in a world of its own: time that is set forward by hand when nothing else is left to do, a disk that
// can crash, and a next hop whose answers are told in advance by the local part of an address.

import {
  type Address,
  type AtEnvelope,
  type Connection,
  deny,
  denySoft,
  type Envelope,
  type EsmtpParams,
  type MessageContent,
  ok,
  type QueueTarget,
  type Verdict,
} from 'qpsmtpd';
import type { SpoolFiles } from '../../src/spool/spool-files.ts';
import type { SpoolSettings } from '../../src/spool/spool-queue.ts';
import { SpoolQueue } from '../../src/spool/spool-queue.ts';
import { CrashDisk, filesOn } from './crash-disk.ts';
import { spoolFilesOn } from './crash-spool.ts';
import type { DiskState } from './disk-state.ts';
import { logger } from './line-logger.ts';
import { parse } from './maildir-queue.ts';
import { BEGIN, StillTime } from './still-time.ts';

export const SPOOL = '/var/spool/mail';

export interface Delivered {
  readonly sender: string;
  readonly recipient: string;
  readonly text: string;
  readonly time: number;
  readonly params: EsmtpParams;
  readonly rcptParams: EsmtpParams;
  readonly remoteIp: string;
}

/**
 * Local parts: `later-N-…` is refused for now N times, `never-…` for good, `full-…` for good by a server that answers
 * 552, `down-N-…` refuses the whole message.
 */
export class NextHop implements QueueTarget {
  readonly id = 'queue/hop';
  readonly carries: QueueTarget['carries'];
  readonly delivered: Delivered[] = [];
  readonly #tries = new Map<string, number>();
  readonly #onDelivery: () => void;
  readonly #time: StillTime;
  tries = 0;

  constructor(time: StillTime, onDelivery: () => void = () => {}, carries: QueueTarget['carries'] = []) {
    this.#time = time;
    this.#onDelivery = onDelivery;
    this.carries = carries;
  }

  async queue(connection: Connection, transaction: Envelope): Promise<Verdict> {
    this.tries++;
    const { sender, recipients, params } = transaction;
    const text = await textOf(transaction.content);
    const down = recipients.find(({ localPart }) => localPart.startsWith('down-'));
    if (down !== undefined && this.#isEarly(down, text)) return denySoft('cannot be reached', '4.4.1');
    for (const recipient of recipients) {
      const verdict = this.#judge(recipient, text);
      transaction.answerRecipient(recipient, verdict);
      if (verdict.code !== 'OK') continue;
      const { remoteIp } = connection;
      const rcptParams = transaction.paramsOf(recipient);
      const known = { sender: sender.path, recipient: recipient.path, text, params, rcptParams, remoteIp };
      this.delivered.push({ ...known, time: this.#time.time });
    }
    this.#onDelivery();
    return ok('taken');
  }

  #judge(recipient: Address, text: string): Verdict {
    if (recipient.localPart.startsWith('never-')) return deny('no such user', '5.1.1');
    if (recipient.localPart.startsWith('full-')) {
      const reply = { code: 552, status: '5.2.2', lines: ['over quota'] } as const;
      return { ...deny('over quota', '5.2.2'), reply };
    }
    if (recipient.localPart.startsWith('later-') && this.#isEarly(recipient, text)) {
      return denySoft('mailbox is busy', '4.2.1');
    }
    return ok('fine');
  }

  #isEarly({ localPart, key }: Address, text: string): boolean {
    const times = Number(localPart.split('-')[1]);
    const known = this.#tries.get(key + text) ?? 0;
    this.#tries.set(key + text, known + 1);
    return known < times;
  }
}

async function textOf(content: MessageContent): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of content.inMemory('crlf') ?? content.chunks('crlf')) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

export const QUICK: Omit<SpoolSettings, 'dir'> = {
  plan: { firstMs: 2000, mostMs: 8000, lifetimeMs: 20_000 },
  limitMs: 60_000,
  concurrency: 1,
  delayMs: 0,
  doubleBounce: 'drop',
};

export interface WorldSettings {
  readonly files?: (disk: CrashDisk) => SpoolFiles;
  readonly settings?: Partial<SpoolSettings>;
  readonly pid?: number;
  /** where its process id means something */
  readonly realm?: string;
  readonly time?: StillTime;
  readonly onDelivery?: () => void;
  readonly carries?: QueueTarget['carries'];
  readonly target?: QueueTarget;
}

export interface Message {
  readonly sender?: string;
  readonly recipients: readonly string[];
  readonly text?: string | Buffer;
  /** comes in pieces, as a message from a file does */
  readonly isSpooled?: boolean;
  readonly params?: EsmtpParams;
  readonly rcptParams?: EsmtpParams;
  readonly signal?: AbortSignal;
}

export class SpoolWorld {
  readonly time: StillTime;
  readonly disk: CrashDisk;
  readonly hop: NextHop;
  readonly queue: SpoolQueue;
  readonly log: string[] = [];

  constructor(disk: CrashDisk, world: WorldSettings = {}) {
    this.disk = disk;
    this.time = world.time ?? new StillTime();
    this.hop = new NextHop(this.time, world.onDelivery, world.carries);
    const pid = world.pid ?? 1;
    this.queue = new SpoolQueue({ dir: SPOOL, ...QUICK, ...world.settings }, world.target ?? this.hop, {
      clock: this.time.clock,
      timer: this.time.timer,
      pid,
      log: logger(this.log),
      me: () => 'mx.example',
      files: (world.files ?? spoolFilesOn)(disk),
      // Of all processes, only this one lives.
      processes: {
        pid,
        realm: world.realm ?? 'here',
        birthOf: (other) => (other === pid ? `born ${pid}` : null),
      },
      random: () => 0.5,
    });
  }

  take(message: Message): Promise<string> {
    return this.queue.take(atOf(message), this.time.clock.now());
  }

  /** Lets all that waits for the disk go on, until nothing does. */
  async settle(): Promise<void> {
    for (let quiet = 0, calls = -1; quiet < 6; quiet++) {
      if (this.disk.calls.length !== calls) quiet = 0;
      calls = this.disk.calls.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Lets time pass until the condition holds. */
  async until(isSo: () => boolean, mostMs = 600_000): Promise<void> {
    const end = this.time.time + mostMs;
    await this.settle();
    while (!isSo()) {
      if (this.time.time > end) throw new Error(`not within ${mostMs} ms; the log:\n${this.log.join('\n')}`);
      this.time.next();
      await this.settle();
    }
  }

  /** Files in a folder of the spool; none where there is no such folder yet. */
  names(folder: string): string[] {
    const path = `${SPOOL}/${folder}/`;
    return [...filesOn(this.disk.state).keys()].flatMap((file) =>
      file.startsWith(path) ? file.slice(path.length) : [],
    );
  }

  get isEmpty(): boolean {
    return this.queue.runner.size === 0 && this.names('queue').length === 0;
  }
}

export function newDisk(random: () => number = () => 0, state?: DiskState): CrashDisk {
  return new CrashDisk({ random, ...(state && { state }), now: () => BEGIN });
}

/** As much of a client and its message as a spool looks at. */
export function atOf(message: Message): AtEnvelope {
  const { sender = '<sender@example.net>', recipients, params = new Map(), rcptParams = new Map() } = message;
  const whole = Buffer.from(message.text ?? 'Subject: test\r\n\r\nHello\r\n');
  const half = whole.length >> 1;
  const content: MessageContent = {
    size: whole.length,
    inMemory: () => (message.isSpooled === true ? null : [whole]),
    async *chunks() {
      yield whole.subarray(0, half);
      yield whole.subarray(half);
    },
  };
  const connection = {
    ...{ id: '1.1', remoteIp: '192.0.2.7', remotePort: 1025, remoteHost: 'client.example' },
    ...{ remoteInfo: 'client.example', localIp: '192.0.2.25', localPort: 25 },
    ...{ service: { tls: false, lmtp: false }, hello: { verb: 'ehlo', host: 'client.example' } },
    ...{ forwarded: null, tls: null, authentication: null, relayClient: false },
  } as const;
  const transaction = {
    ...{ sender: parse(sender), recipients: recipients.map(parse), params, content },
    paramsOf: () => rcptParams,
  };
  const signal = message.signal ?? new AbortController().signal;
  const at: Partial<AtEnvelope> = {
    signal,
    connection: connection as Partial<Connection> as Connection,
    transaction: transaction as Partial<Envelope> as Envelope,
  };
  return at as AtEnvelope;
}
