// queue/maildir without a server: a folder for the test, a host and handler arguments of as much as the plugin
// looks at, and what became of the folder.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  Address,
  type AtEnvelope,
  type AtProcess,
  type Clock,
  type EsmtpParams,
  type MessageContent,
  type Verdict,
} from 'qpsmtpd';
import { type MaildirFiles, nodeFiles } from '../../plugins/queue/_maildir-files.ts';
import { maildirQueue } from '../../plugins/queue/maildir.ts';
import { StoredBody } from '../../src/message/stored-body.ts';
import { WholeMessage } from '../../src/message/whole-message.ts';
import { Header } from '../../src/protocol/header.ts';
import { cleanUp } from './cleanup.ts';
import { logger } from './line-logger.ts';

export interface QueueSettings {
  readonly dir: string;
  readonly subdir?: string;
  readonly mode?: number;
  readonly files?: MaildirFiles;
  readonly hostname?: string;
  readonly pid?: number;
}

export interface Mail {
  readonly sender?: string;
  readonly recipients?: readonly string[];
  /** of MAIL */
  readonly params?: EsmtpParams;
  readonly body?: string | Buffer;
  /** keeps the body in a file, as a big message is */
  readonly spooled?: boolean;
  /** in place of header and body */
  readonly content?: MessageContent;
  readonly signal?: AbortSignal;
}

export interface TestQueue {
  deliver(mail?: Mail): Promise<Verdict>;
  start(): Promise<void>;
  /** `LEVEL TEXT` */
  readonly log: readonly string[];
}

/** A clock that stands still: names of files can be told in advance. */
export const fixedClock: Clock = { now: () => new Date(1_700_000_000_123), monotonic: () => 5.25 };

/** A folder that is removed after the test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-maildir-'));
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function makeQueue({
  dir,
  subdir,
  mode = 0o700,
  files,
  hostname = 'mx.example',
  pid = 77,
}: QueueSettings): TestQueue {
  const host = {
    options: { dir, subdir, mode },
    clock: fixedClock,
    pid,
    hostname,
    configLines: (file: string) => (file === 'me' ? ['me.example'] : []),
  };
  const log: string[] = [];
  const table = maildirQueue(host, files ?? nodeFiles);
  const { queue, 'post-fork': start } = table;
  assert.ok(typeof queue === 'function');
  return {
    log,
    async deliver(mail = {}) {
      const {
        sender = '<sender@example.net>',
        recipients = ['<user@example.org>'],
        params = new Map(),
      } = mail;
      const addresses = recipients.map(parse);
      const content = mail.content ?? (await contentOf(mail));
      const transaction = { sender: parse(sender), recipients: addresses, params, content };
      const signal = mail.signal ?? new AbortController().signal;
      const at: Partial<AtEnvelope> = {
        log: logger(log),
        signal,
        transaction: transaction as Partial<AtEnvelope['transaction']> as AtEnvelope['transaction'],
      };
      return queue(at as AtEnvelope);
    },
    async start() {
      assert.ok(typeof start === 'function');
      await start({ log: logger(log) } as Partial<AtProcess> as AtProcess);
    },
  };
}

/** Paths of all files below a folder, sorted; ends of paths that differ from run to run stay as they are. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Texts of the messages in a Maildir's new. */
export function delivered(maildir: string): string[] {
  const folder = join(maildir, 'new');
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
}

export function parse(path: string): Address {
  const address = Address.parse(path, { utf8: true });
  assert.ok(address, `${path} is an address`);
  return address;
}

async function contentOf({ body = 'Hello\r\nthere\r\n', spooled = false }: Mail) {
  const header = new Header(Buffer.from('Subject: test\r\nX-Fold: a\r\n b\r\n'));
  const spool = spooled ? makeFolder() : '';
  const stored = new StoredBody({ threshold: spooled ? 0 : 1e9, newPath: () => join(spool, 'body') });
  await stored.append([Buffer.from(body)]);
  await stored.finish();
  cleanUp(() => stored.dispose());
  return new WholeMessage(header, Buffer.from('\r\n'), stored);
}
