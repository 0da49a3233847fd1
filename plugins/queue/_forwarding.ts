// What the plugins that hand messages to another server have in common: the message as that server wants it, who is
// asked next, and what the answers mean for the client.

import {
  type AtEnvelope,
  denial,
  denySoft,
  type Handover,
  isForGood,
  isForNow,
  isPositive,
  NotSentError,
  needsSmtpUtf8,
  type OutgoingMessage,
  ok,
  type ServerReply,
  showReply,
  type Verdict,
} from 'qpsmtpd';
import type { ServerList, Target } from './_servers.ts';

// More of what a server says helps nobody.
const MOST_LINES = 10;
const CLOSING = 421;

export function outgoingMessage(at: AtEnvelope, client: ReadonlyMap<string, string> | null): OutgoingMessage {
  const { transaction } = at;
  const { params, sender, recipients, content } = transaction;
  return {
    sender,
    params,
    recipients: recipients.map((address) => ({ address, params: transaction.paramsOf(address) })),
    content,
    needsUtf8: needsSmtpUtf8(transaction),
    allOrNone: !transaction.answersEach,
    client,
  };
}

/** Asks the servers one after the other until one takes the message or refuses it for good. */
export async function handOver(
  at: AtEnvelope,
  servers: ServerList,
  message: OutgoingMessage,
): Promise<Verdict> {
  let refused: Handover | null = null;
  for (const target of servers.inOrder()) {
    try {
      const handover = await servers.deliver(target, message, at.signal);
      tell(at, target, handover);
      // Otherwise nobody has the message, and somebody else may take it.
      if (handover.failure !== null || !handover.answers.every(isForNow)) return verdictOf(at, handover);
      refused = handover;
    } catch (error) {
      if (!(error instanceof NotSentError)) throw error;
      at.log.error(`error, ${target.name}: ${error.message}`);
    }
    if (at.signal.aborted) break;
  }
  if (refused !== null) return verdictOf(at, refused);
  return denySoft('the message cannot be handed on now, try again later', '4.4.1');
}

function tell(at: AtEnvelope, { name }: Target, { isSent, answers, failure }: Handover): void {
  if (failure !== null) {
    at.log.error(`error, ${name}: no answer to the message, which it may have taken: ${failure.message}`);
  }
  for (const [index, answer] of answers.entries()) {
    if (isPositive(answer)) continue;
    at.log.notice(`fail, ${name}: ${at.transaction.recipients[index]?.path} ${showReply(answer)}`);
  }
  const taken = isSent ? answers.find(isPositive) : undefined;
  if (taken !== undefined) at.log.info(`pass, ${name}: ${showReply(taken)}`);
}

function verdictOf({ transaction }: AtEnvelope, { isSent, answers }: Handover): Verdict {
  const [taken] = isSent ? answers.filter(isPositive) : [];
  const refused = answers.filter((answer) => !isPositive(answer));
  // Of a message that was not sent, being taken as a recipient says nothing.
  if (transaction.answersEach || (taken !== undefined && refused.length > 0)) {
    for (const [index, answer] of answers.entries()) {
      const recipient = transaction.recipients[index];
      if (recipient !== undefined) transaction.answerRecipient(recipient, verdictOfAnswer(answer));
    }
  }
  if (taken !== undefined && (transaction.answersEach || refused.length === 0)) return verdictOfAnswer(taken);
  // One recipient that is refused for good refuses the message: the sender then hears of it at once.
  const refusal = refused.find(isForGood) ?? refused[0];
  return refusal === undefined ? denySoft() : verdictOfAnswer(refusal);
}

/** Codes and words are handed on; 421 would announce that we close the connection. */
function verdictOfAnswer(answer: ServerReply): Verdict {
  const lines = answer.lines.slice(0, MOST_LINES);
  if (isPositive(answer)) return ok(`queued: ${lines.join(' ')}`);
  const code = answer.code === CLOSING ? 451 : answer.code;
  const status = answer.status ?? (code < 500 ? '4.0.0' : '5.0.0');
  const verdict = denial(code < 500 ? 'DENYSOFT' : 'DENY', lines.join('\n'), status);
  return { ...verdict, reply: { code, status, lines } };
}
