// The queue hook of a message, by recipient where config/queue_routes has it so: each target gets its recipients, and
// the client one answer, or one for each recipient where it takes that. Without routes it is the hook as it always was.

import type { Awaitable } from '../contract/hooks.ts';
import { denySoft, type Verdict } from '../contract/verdict.ts';
import { whenReady } from '../contract/when-ready.ts';
import { RecipientGroup } from '../message/recipient-group.ts';
import { combined, isForGood, refuses, settled } from './combined-verdict.ts';
import { type QueueGroup, queueGroups } from './queue-groups.ts';
import type { Session } from './session.ts';

export function decideQueue(session: Session): Awaitable<Verdict> {
  const { engine, means, transaction } = session;
  const { dispatcher, store } = engine;
  const isRouted =
    !store.value('queue_routes').isEmpty || dispatcher.has('user_config') || dispatcher.has('config');
  if (isRouted || !means.delivered.isEmpty) return decideByRecipient(session);
  return whenReady(session.decide('queue'), (outcome) =>
    refuses(outcome) && transaction.hasAnswers ? rememberMixed(session, outcome) : outcome,
  );
}

async function decideByRecipient(session: Session): Promise<Verdict> {
  const { transaction } = session;
  const { delivered } = session.means;
  const now = session.limits.now();
  const had = transaction.answersEach ? [] : await delivered.recall(transaction, now);
  for (const recipient of had) {
    session.log(
      'notice',
      `pass, ${recipient.path} has this message since it came before: not delivered again`,
    );
  }
  const groups = await queueGroups(
    session,
    transaction.recipients.filter((one) => !had.includes(one)),
  );
  if (groups.length === 0 && had.length > 0) {
    delivered.forget(transaction, had);
    return { code: 'OK', text: ['queued before'] };
  }
  const isWhole = groups.length <= 1 && had.length === 0;
  const outcome = isWhole
    ? await decideGroup(session, groups[0] ?? null, transaction)
    : await decideGroups(session, groups);
  if (refuses(outcome) && transaction.hasAnswers) await rememberMixed(session, outcome);
  else delivered.forget(transaction, had);
  return outcome;
}

/** One group after the other, in the order of their lines in config/plugins. */
async function decideGroups(session: Session, groups: readonly QueueGroup[]): Promise<Verdict> {
  const { transaction } = session;
  const verdicts: Verdict[] = [];
  for (const group of groups) {
    const verdict = settled(
      session.isClientGone && verdicts.length > 0
        ? denySoft('you left before the message was queued, send it again', '4.4.2')
        : await decideGroup(session, group, new RecipientGroup(transaction, group.recipients)),
    );
    verdicts.push(verdict);
    for (const recipient of group.recipients) {
      if (transaction.answerFor(recipient) === null) transaction.answerRecipient(recipient, verdict);
    }
    // Nobody has it yet: then the refusal is the whole truth, and the sender is told that nobody has.
    if (isForGood(verdict) && !transaction.answersEach && verdicts.every(refuses)) break;
  }
  return combined(verdicts);
}

async function decideGroup(
  session: Session,
  group: QueueGroup | null,
  transaction: Session['transaction'] | RecipientGroup,
): Promise<Verdict> {
  if (group === null) return session.decide('queue');
  const { handlers } = group;
  if (handlers === null) return denySoft('the message cannot be queued now, try again later', '4.3.5');
  const { connection, engine, verdicts } = session;
  const scene = transaction === session.transaction ? session : { connection, transaction, verdicts };
  return engine.dispatcher.decideAmong<'queue'>(handlers, scene);
}

/** The client hears one refusal for all, though some recipients may have the message. */
async function rememberMixed(session: Session, outcome: Verdict): Promise<Verdict> {
  const { means, transaction, limits } = session;
  if (transaction.answersEach) return outcome;
  const having = transaction.recipients.filter((one) => transaction.answerFor(one)?.code === 'OK');
  if (having.length === 0) return outcome;
  const isKnown = await means.delivered.remember(transaction, having, limits.now());
  const names = having.map(({ path }) => path).join(' ');
  const what = isKnown
    ? 'it is not delivered there again if it comes within a day'
    : 'they may get it again, as it has no Message-ID';
  session.log('warn', `fail, the message is refused, but ${names} got it: ${what}`);
  return outcome;
}
