// One attempt to deliver a message by a queue plugin, and its verdicts as outcomes of the recipients.

import { isDenial } from '../contract/codes.ts';
import type { QueueTarget } from '../contract/plugin.ts';
import { denySoft, type Verdict } from '../contract/verdict.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Outcome } from './outcome-log.ts';
import type { QueueEntry } from './queue-entry.ts';
import { QueuedConnection } from './queued-connection.ts';
import { readContent } from './queued-content.ts';
import { QueuedTransaction } from './queued-transaction.ts';

export interface DeliveryMeans {
  readonly target: Pick<QueueTarget, 'queue'>;
  /** process id, for the log */
  readonly pid: number;
  /** a new path for a temporary file */
  readonly tmp: () => string;
  /** milliseconds that the plugin may take */
  readonly limitMs: number;
  readonly timer: Timer;
}

/** Does the work after so many milliseconds; gives what calls that off. */
export type Timer = (ms: number, work: () => void) => () => void;

// A plugin that is told to give up has a moment to say what it has done.
const GRACE_MS = 15_000;

/**
 * Tries the recipients who wait. Gives an outcome for each of them, those with the same one together.
 * @throws the file system's error when the message cannot be read
 */
export async function attemptDelivery(
  entry: QueueEntry,
  means: DeliveryMeans,
  now: Date,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const { envelope, state } = entry;
  const places = state.waiting;
  const recipients = places.flatMap((place) => envelope.recipients[place] ?? []);
  const transaction = new QueuedTransaction(envelope, recipients, await readContent(entry), means.tmp);
  const id = `${means.pid}.${entry.id}`;
  try {
    const overall = await limited(means, signal, (limit) =>
      means.target.queue(new QueuedConnection(id, envelope.client, now, limit), transaction, limit),
    );
    const outcomes = recipients.map(({ address }) => outcomeOf(transaction.answerFor(address) ?? overall));
    return grouped(places, outcomes);
  } finally {
    await transaction.dispose();
  }
}

/** Nobody waits for ever for a plugin: what it does not say in time has not happened. */
async function limited(
  { limitMs, timer }: DeliveryMeans,
  signal: AbortSignal,
  queue: (limit: AbortSignal) => Promise<Verdict>,
): Promise<Verdict> {
  const controller = new AbortController();
  const { promise: tooLate, resolve } = Promise.withResolvers<Verdict>();
  let cancel = timer(limitMs, () => giveUp(new Error('the time is up')));
  const giveUp = (why: Error) => {
    cancel();
    cancel = timer(GRACE_MS, () => resolve(denySoft('the delivery did not end in time', '4.4.1')));
    controller.abort(why);
  };
  const onAbort = () => giveUp(signal.reason instanceof Error ? signal.reason : new Error('given up'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([queue(controller.signal), tooLate]);
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

type Judged = Omit<Outcome, 'of'>;

function outcomeOf({ code, text, status, reply }: Verdict): Judged {
  const words = text.join(' ');
  if (code === 'DONE') {
    const result = reply === undefined ? 'deferred' : resultOfReply(reply.code);
    return { result, code: reply?.code, status: reply?.status ?? '', text: reply?.lines.join(' ') ?? '' };
  }
  if (code === 'DECLINED') return { result: 'deferred', status: '4.3.5', text: 'nobody took the message' };
  if (!isDenial(code)) return { result: 'delivered', status: status ?? '2.0.0', text: words };
  const result = code.startsWith('DENYSOFT') ? 'deferred' : 'failed';
  return { result, code: codeOf(result, reply), status: status ?? '', text: words };
}

/** A code that says something else than the verdict is left out. */
function codeOf(result: Outcome['result'], reply: Reply | undefined): number | undefined {
  return reply !== undefined && resultOfReply(reply.code) === result ? reply.code : undefined;
}

function resultOfReply(code: number): Outcome['result'] {
  if (code < 300) return 'delivered';
  return code >= 500 ? 'failed' : 'deferred';
}

function grouped(places: readonly number[], outcomes: readonly Judged[]): Outcome[] {
  const groups = new Map<string, { of: number[]; outcome: Judged }>();
  for (const [index, outcome] of outcomes.entries()) {
    const place = places[index];
    if (place === undefined) continue;
    const key = JSON.stringify(outcome);
    const group = groups.get(key) ?? { of: [], outcome };
    group.of.push(place);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ of, outcome }) => ({ of, ...outcome }));
}
