// Exim in a root folder of its own (.ci/mail-servers), which takes batched SMTP and keeps all mail in its queue.

import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf, makeOwned, readIfThere, succeed, writeFile } from './other-mta.ts';

const EXIM = '/usr/sbin/exim4';
const CONFIG = '/etc/exim4/exim4.conf';
const SPOOL = '/var/spool/exim';
/** as in .ci/mail-servers */
const USER = 62_001;

export interface BatchExim {
  /** the program: takes Exim's arguments */
  readonly path: string;
  /** what is in the queue, in the order in which it came */
  queued(): Promise<readonly QueuedMail[]>;
  log(): string;
}

export interface QueuedMail {
  readonly sender: string;
  readonly recipients: readonly string[];
  /** as Exim would send it, with LF; one octet a character */
  readonly message: string;
}

/** @param acl conditions for messages that do not come by a dialogue */
export async function makeBatchExim(acl: readonly string[] = []): Promise<BatchExim> {
  const folder = await copyOf('exim');
  writeFile(join(folder, CONFIG), [
    'primary_hostname = exim.example',
    'qualify_domain = exim.example',
    `spool_directory = ${SPOOL}`,
    'log_file_path = /var/log/exim/%s',
    'trusted_users = root',
    'keep_environment =',
    'add_environment = PATH=/usr/bin',
    'queue_only',
    'message_size_limit = 1M',
    'acl_not_smtp = batch',
    'begin acl',
    'batch:',
    ...acl,
    '  accept',
  ]);
  for (const place of [SPOOL, '/var/log/exim']) makeOwned(join(folder, place), USER);
  const path = join(folder, 'exim');
  writeFile(path, ['#!/bin/sh', `exec /usr/sbin/chroot ${folder} ${EXIM} "$@"`]);
  chmodSync(path, 0o755);
  return {
    path,
    log: () => readIfThere(join(folder, '/var/log/exim/main')),
    async queued() {
      const input = join(folder, SPOOL, 'input');
      const ids = readdirSync(input)
        .filter((name) => name.endsWith('-H'))
        .map((name) => name.slice(0, -2));
      return Promise.all(ids.sort().map((id) => readQueued(folder, input, id)));
    },
  };
}

async function readQueued(folder: string, input: string, id: string): Promise<QueuedMail> {
  const envelope =
    readFileSync(join(input, `${id}-H`), 'latin1')
      .split('\n\n')[0]
      ?.split('\n') ?? [];
  // The sender is the third line. The recipients stand at the end, behind their number.
  const sender = /^<(.*)>$/.exec(envelope[2] ?? '')?.[1] ?? 'unknown';
  const count = envelope.findLastIndex((line) => /^\d+$/.test(line));
  const recipients = envelope.slice(count + 1);
  const message = await succeed('chroot', [folder, EXIM, '-Mvc', id]);
  return { sender, recipients, message };
}
