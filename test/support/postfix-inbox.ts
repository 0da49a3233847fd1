// Postfix as a place to hand mail to by its cleanup socket or by QMQP: a private instance with configuration, queue and
// log in a folder of its own, which keeps all mail in its queues. Nothing but loopback and unix sockets.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, succeed, until, writeFile } from './other-mta.ts';
import { type PostfixFolders, startPostfixInstance } from './postfix-instance.ts';

const SERVICES = ['showq unix n - n - - showq'];

const AT_REST = ['hold', 'deferred'];

/** octets */
export const MOST_OCTETS = 10_000_000;

export interface KeptMail {
  readonly id: string;
  /** hold, deferred, … */
  readonly queue: string;
  readonly sender: string;
  /** as Postfix shows them: with quotes */
  readonly recipients: readonly string[];
  /** with LF; one octet a character */
  readonly message: string;
  /** the records above and below the message, as postcat shows them */
  readonly records: string;
}

export interface PostfixInbox {
  /** of cleanup */
  readonly socket: string;
  readonly qmqpPort: number;
  /** Everything in the queues, in the order of its ids. */
  kept(): Promise<readonly KeptMail[]>;
  /** how many messages are on their way into the queue */
  arriving(): number;
  /** process ids of the services of that name */
  running(service: string): readonly number[];
  log(): string;
}

export async function startPostfixInbox(): Promise<PostfixInbox> {
  const { config, queue, port, log } = await startPostfixInstance({
    entrance: 'qmqpd',
    services: SERVICES,
    settings,
    prepare: writeTables,
  });
  const masterPid = () => Number(readIfThere(join(queue, 'pid', 'master.pid')));
  return {
    socket: join(queue, 'public', 'cleanup'),
    qmqpPort: port,
    kept: () => keptIn(config),
    arriving: () => filesIn(join(queue, 'incoming')),
    running: (service) => childrenOf(masterPid(), service),
    log,
  };
}

function writeTables({ config }: PostfixFolders): void {
  writeFile(join(config, 'header_checks'), [
    '/^X-Refuse: (.*)/ REJECT $1',
    '/^X-Hold:/ HOLD',
    '/^X-Redirect: (.*)/ REDIRECT $1',
  ]);
}

function settings({ config }: PostfixFolders): readonly string[] {
  return [
    'default_transport = retry:kept for the test',
    `message_size_limit = ${MOST_OCTETS}`,
    'service_throttle_time = 1s',
    'qmqpd_authorized_clients = 127.0.0.1',
    'qmqpd_error_delay = 0s',
    `header_checks = regexp:${join(config, 'header_checks')}`,
    'disable_dns_lookups = yes',
  ];
}

// One goes while we look.
function filesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .length;
}

interface QueueEntry {
  readonly queue_name: string;
  readonly queue_id: string;
  readonly sender: string;
  readonly recipients: readonly { readonly address: string }[];
}

/** A message on its way from one queue to another would be seen in both: all have to be at rest. */
async function entriesIn(config: string): Promise<readonly QueueEntry[]> {
  let entries: readonly QueueEntry[] = [];
  await until(
    async () => {
      const listing = await succeed('postqueue', ['-c', config, '-j']);
      const lines = listing.split('\n').filter((line) => line !== '');
      entries = lines.map((line): QueueEntry => JSON.parse(line));
      return entries.every(({ queue_name }) => AT_REST.includes(queue_name));
    },
    () => `the queue does not come to rest: ${JSON.stringify(entries)}`,
  );
  return entries;
}

async function keptIn(config: string): Promise<readonly KeptMail[]> {
  const entries = await entriesIn(config);
  const mails = entries.map(async ({ queue_id, queue_name, sender, recipients }) => ({
    id: queue_id,
    queue: queue_name,
    sender,
    recipients: recipients.map(({ address }) => address),
    message: await succeed('postcat', ['-c', config, '-hbq', queue_id]),
    records: await succeed('postcat', ['-c', config, '-evq', queue_id]),
  }));
  return (await Promise.all(mails)).sort((one, other) => one.id.localeCompare(other.id));
}

function childrenOf(parent: number, name: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      const stat = readIfThere(`/proc/${pid}/stat`);
      return stat.includes(`(${name}) `) && Number(/\) \S (\d+) /.exec(stat)?.[1]) === parent;
    })
    .map(Number);
}
