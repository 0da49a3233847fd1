// What the client hears of a message that has come in: one reply, or one for each recipient where its protocol
// has it so (LMTP, RFC 2033 section 4.2; PRDR, draft-hall-prdr-00 section 4.5).

import type { Verdict } from '../contract/verdict.ts';
import type { Address } from '../protocol/address.ts';
import type { Reply } from '../protocol/reply.ts';
import { disconnects, replyFor } from './answers.ts';
import type { Session } from './session.ts';

type MessageHook = 'data_post_headers' | 'data_post' | 'queue_pre';

// An LMTP client counts the replies: silence for one recipient would be taken for the answer to the next command.
const NO_ANSWER: Reply = { code: 451, status: '4.3.0', lines: ['message refused for now'] };

/** Says the same of the whole message. For whatever is told once the last octet of it has come. */
export function answerMessage(session: Session, reply: Reply): void {
  const { connection, transaction } = session;
  const { acceptedRecipients } = transaction;
  if (!connection.service.lmtp || acceptedRecipients.length === 0) session.reply(reply);
  else for (const recipient of acceptedRecipients) session.reply(naming(recipient, reply));
}

/** Says what the verdict of a hook means for the message, and ends the conversation where it says so. */
export function answerMessageHook(session: Session, hook: MessageHook, verdict: Verdict): void {
  const reply = replyFor(hook, verdict) ?? (session.connection.service.lmtp ? NO_ANSWER : null);
  if (reply !== null) answerMessage(session, reply);
  if (disconnects(verdict.code)) session.end('denied');
}

/** Says what the queue hook has led to. */
export function answerQueue(session: Session, outcome: Verdict): void {
  const { connection, transaction } = session;
  if (connection.service.lmtp) {
    answerEach(session, outcome);
  } else if (transaction.params.has('PRDR') && transaction.acceptedRecipients.length > 1) {
    session.reply({ code: 353, lines: ['one reply for each recipient follows, then one for the message'] });
    const verdicts = answerEach(session, outcome);
    session.reply(replyFor('queue', overall(verdicts, outcome)) ?? NO_ANSWER);
  } else {
    tellOfSilentRefusals(session, outcome);
    session.answer('queue', outcome);
  }
  if (disconnects(outcome.code)) session.end('denied');
}

function answerEach(session: Session, outcome: Verdict): readonly Verdict[] {
  const { transaction } = session;
  return transaction.acceptedRecipients.map((recipient) => {
    const verdict = transaction.answerFor(recipient) ?? outcome;
    session.reply(naming(recipient, replyFor('queue', verdict) ?? NO_ANSWER));
    return verdict;
  });
}

/** One taken recipient makes a taken message; else one that may be tried again makes one to be tried again. */
function overall(verdicts: readonly Verdict[], outcome: Verdict): Verdict {
  if (verdicts.some(({ code }) => code === 'OK')) {
    return outcome.code === 'OK' ? outcome : { code: 'OK', text: [] };
  }
  const soft = verdicts.some(isForNow);
  if (outcome.code !== 'OK' && isForNow(outcome) === soft) return outcome;
  return { code: soft ? 'DENYSOFT' : 'DENY', text: [] };
}

function isForNow({ code }: Verdict): boolean {
  return code.startsWith('DENYSOFT') || code === 'DECLINED';
}

/** Plain SMTP has one reply: a recipient that was refused behind a 250 is known to nobody but the queue plugin. */
function tellOfSilentRefusals(session: Session, outcome: Verdict): void {
  const { transaction } = session;
  if (outcome.code !== 'OK' || !transaction.hasAnswers) return;
  const refused = transaction.acceptedRecipients.filter((recipient) => {
    const answer = transaction.answerFor(recipient);
    return answer !== null && answer.code !== 'OK';
  });
  if (refused.length === 0) return;
  const names = refused.map(({ path }) => path).join(' ');
  session.log('error', `error, the message was taken, but not for ${names}: the client cannot be told`);
}

function naming({ path }: Address, reply: Reply): Reply {
  const [first = '', ...rest] = reply.lines;
  return { ...reply, lines: [`${path} ${first}`.trimEnd(), ...rest] };
}
