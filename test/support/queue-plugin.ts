// A queue plugin without a server: its line read as the server reads it, real transactions with a spool folder of
// their own, and of host and connection as much as queue plugins look at.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Address,
  type AtEnvelope,
  type Connection,
  type EsmtpParams,
  type Host,
  type ListFile,
  type Logger,
  type Plugin,
  type Verdict,
} from 'qpsmtpd';
import { parsePluginLine } from '../../src/config/plugin-lines.ts';
import { parseWords } from '../../src/engine/plugin-words.ts';
import { MessageTransaction } from '../../src/message/message-transaction.ts';
import { Spool } from '../../src/message/spool.ts';
import { cleanUp } from './cleanup.ts';
import { logger } from './line-logger.ts';

export interface Mail {
  /** with angle brackets; an Address where no client could have given it */
  readonly sender?: string | Address;
  readonly recipients?: readonly (string | Address)[];
  /** of MAIL */
  readonly params?: Readonly<Record<string, string | true>>;
  /** of each RCPT */
  readonly rcptParams?: Readonly<Record<string, string | true>>;
  readonly header?: string;
  readonly body?: string | Buffer;
  /** keeps the body in a file, as a big message is */
  readonly spooled?: boolean;
  readonly answersEach?: boolean;
  readonly signal?: AbortSignal;
  readonly connection?: Partial<Connection>;
}

export interface Delivery {
  readonly verdict: Verdict;
  /** answers for single recipients, by their order; null where there is none */
  readonly answers: readonly (Verdict | null)[];
  readonly transaction: MessageTransaction;
}

export interface TestQueue {
  deliver(mail?: Mail): Promise<Delivery>;
  /** `LEVEL TEXT` */
  readonly log: string[];
}

export interface QueueWorld {
  readonly env?: Readonly<Record<string, string>>;
  /** lines of the plugin's config files */
  readonly files?: Readonly<Record<string, readonly string[]>>;
}

export const HEADER = 'Subject: test\r\nX-Fold: a\r\n b\r\n';
export const BODY = 'Hello\r\nthere\r\n';

const clock = { now: () => new Date(1_700_000_000_123), monotonic: () => 5.25 };

const connection: Partial<Connection> = {
  remoteIp: '192.0.2.1',
  remotePort: 49_152,
  remoteHost: 'client.example',
  localIp: '192.0.2.25',
  localPort: 25,
  hello: { verb: 'ehlo', host: 'helo.example' },
  authentication: null,
  forwarded: null,
  service: { tls: false, lmtp: false },
};

/** @param words what stands behind the plugin's name in config/plugins */
export function setUpQueue(plugin: Plugin, words = '', { env = {}, files = {} }: QueueWorld = {}): TestQueue {
  const log: string[] = [];
  const line = parsePluginLine({
    text: `${plugin.name} ${words}`.trim(),
    where: { file: 'plugins', line: 1 },
  });
  const readers = Object.entries(plugin.files ?? {}).map(([name, file]) => {
    const entries = (files[name] ?? []).map((text) => (file as ListFile<unknown>).parse(text));
    return [name, () => Object.assign(entries, { has: () => false, get: () => undefined })] as const;
  });
  const host: Partial<Host> = {
    id: plugin.name,
    options: parseWords(line, plugin).values,
    files: Object.fromEntries(readers),
    env,
    log: logger(log),
    clock,
    pid: 77,
    hostname: 'host.example',
    configLines: (file: string) => (file === 'me' ? ['me.example'] : []),
  };
  const table = plugin.setup(host as Host);
  assert.ok(!(table instanceof Promise) && 'queue' in table);
  const { queue } = table;
  assert.ok(typeof queue === 'function');
  return { log, deliver: (mail = {}) => deliver(queue, logger(log), mail) };
}

async function deliver(
  queue: (at: AtEnvelope) => Verdict | Promise<Verdict>,
  log: Logger,
  mail: Mail,
): Promise<Delivery> {
  const transaction = await transactionOf(mail);
  const at: Partial<AtEnvelope> = {
    log,
    signal: mail.signal ?? new AbortController().signal,
    connection: { ...connection, ...mail.connection } as Connection,
    transaction: transaction as AtEnvelope['transaction'],
  };
  const verdict = await queue(at as AtEnvelope);
  const answers = transaction.recipients.map((each) => transaction.answerFor(each));
  await transaction.dispose();
  return { verdict, answers, transaction };
}

async function transactionOf({
  sender = '<sender@example.net>',
  recipients = ['<user@example.org>'],
  params = {},
  rcptParams = {},
  header = HEADER,
  body = BODY,
  spooled = false,
  answersEach = false,
}: Mail): Promise<MessageTransaction> {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-queue-'));
  cleanUp(() => rmSync(dir, { recursive: true, force: true }));
  const transaction = new MessageTransaction({
    spool: new Spool({ dir, perms: 0o700 }, 77),
    sizeThreshold: () => (spooled ? 0 : 1e9),
    now: clock.now,
  });
  transaction.sender = addressOf(sender);
  transaction.params = paramsOf(params);
  transaction.answersEach = answersEach;
  for (const each of recipients) transaction.addRecipient(addressOf(each), paramsOf(rcptParams));
  transaction.setHeader(Buffer.from(header, 'latin1'), Buffer.from('\r\n'));
  await transaction.body.append([typeof body === 'string' ? Buffer.from(body, 'latin1') : body]);
  await transaction.body.finish();
  return transaction;
}

function paramsOf(params: Readonly<Record<string, string | true>>): EsmtpParams {
  return new Map(Object.entries(params));
}

function addressOf(path: string | Address): Address {
  if (typeof path !== 'string') return path;
  const address = Address.parse(path, { utf8: true });
  assert.ok(address, `${path} is an address`);
  return address;
}

/** Code, status and text of a verdict in one line. */
export function shown({ code, status, text }: Verdict): string {
  return [code, ...(status === undefined ? [] : [status]), text.join(' / ')].join(' ').trim();
}

/** Quoted local parts of every kind that an address may have, with angle brackets. */
export const oddAddresses: readonly string[] = [
  '<"a,b"@example.org>',
  '<"two words"@example.org>',
  '<"-f root"@example.org>',
  '<-oQ/tmp@example.org>',
  '<"a@b"@example.org>',
  '<"back\\\\slash"@example.org>',
  '<"quo\\"te"@example.org>',
  '<"> RCPT TO:<x@y"@example.org>',
  '<"$(id);`id`&|"@example.org>',
  "<it's#1@example.org>",
  '<".."@example.org>',
  '<"."@example.org>',
  '<" "@example.org>',
  '<user+tag@[192.0.2.1]>',
  '<postmaster>',
];
