// One message in a conversation with a server: envelope, content, answers. With PIPELINING, MAIL, RCPT and DATA go in
// one write (RFC 2920), unless a refused recipient shall keep the message from being sent: 354 cannot be taken back.

import { SmugglingError } from '../protocol/dot-stuffing.ts';
import { ChannelError } from './connecting.ts';
import { type Sending, sendByBdat, sendData } from './message-sending.ts';
import {
  type ClientSettings,
  type Handover,
  type OutgoingMessage,
  RefusalError,
} from './outgoing-message.ts';
import type { ServerOffers } from './server-offers.ts';
import { isPositive, localReply, ReplyError, type ServerReply, showReply } from './server-reply.ts';
import { type SmtpChannel, UnaskedReplyError } from './smtp-channel.ts';
import { envelopeCommands, isBinary } from './smtp-envelope.ts';

const GO_ON = 354;
const CLOSING = 421;
// The client waits for what is known by now.
const RESET_MS = 5000;
// The server wants of us what an operator must see to: TLS, a login. The sender can do nothing about it.
const OUR_FAULT = new Set([530, 534, 535, 538]);
const LOST = localReply(451, '4.4.2', 'the next hop has not answered to the message');

interface EnvelopeAnswers {
  /** one for each recipient */
  readonly answers: readonly ServerReply[];
  /** to DATA, where that has been said */
  readonly go: ServerReply | null;
}

export class MessageDialog {
  readonly #channel: SmtpChannel;
  readonly #settings: ClientSettings;
  readonly #offers: ServerOffers;
  #isCommitted = false;

  constructor(channel: SmtpChannel, offers: ServerOffers, settings: ClientSettings) {
    this.#channel = channel;
    this.#offers = offers;
    this.#settings = settings;
  }

  /** The end of the message has gone: the server may have taken it. */
  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** @throws Error as long as the message is not sent whole; the connection is then to be closed */
  async deliver(message: OutgoingMessage): Promise<Handover> {
    const lineEnds: Sending['lineEnds'] = isBinary(message) ? 'as-received' : 'crlf';
    const inMemory = message.content.inMemory(lineEnds);
    const facts = { offers: this.#offers, isVerified: this.#channel.isVerified, inMemory };
    const commands = envelopeCommands(message, facts);
    if (!Array.isArray(commands)) return unsent(message.recipients.map(() => commands as ServerReply));
    const byBdat = this.#offers.has('CHUNKING');
    const envelope = await this.#sendEnvelope(commands, !byBdat && this.#mayHurry(message));
    const taken = envelope.answers.filter(isPositive).length;
    if (taken === 0 || (message.allOrNone && taken < envelope.answers.length)) {
      await this.#leave(envelope.go);
      return unsent(envelope.answers);
    }
    if (!byBdat) {
      const go = envelope.go ?? (await this.#data());
      if (go.code !== GO_ON) {
        await this.#leave(go);
        return unsent(merged(envelope.answers, [refusalOf(go)]));
      }
    }
    const { commandMs, messageMs, protocol } = this.#settings;
    const sending: Sending = {
      ...{ content: message.content, lineEnds, inMemory, commandMs, messageMs },
      answers: protocol === 'lmtp' ? taken : 1,
      commit: () => {
        this.#isCommitted = true;
      },
    };
    return this.#sendContent(envelope.answers, sending, byBdat);
  }

  // Saves a round trip, where DATA is never said in vain.
  #mayHurry({ recipients, allOrNone }: OutgoingMessage): boolean {
    return this.#offers.has('PIPELINING') && (recipients.length === 1 || !allOrNone);
  }

  async #sendEnvelope(commands: readonly string[], withData: boolean): Promise<EnvelopeAnswers> {
    const all = withData ? [...commands, 'DATA'] : commands;
    const replies = this.#offers.has('PIPELINING')
      ? await this.#exchange(`${all.join('\r\n')}\r\n`, all.length)
      : await this.#oneByOne(all);
    const [mail, ...rest] = replies;
    if (mail === undefined) throw new ChannelError('no answer');
    for (const reply of replies.slice(0, commands.length)) refuseOther(reply);
    const go = withData ? (replies.at(-1) ?? null) : null;
    const rcpts = rest.slice(0, commands.length - 1);
    return { answers: isPositive(mail) ? rcpts : commands.slice(1).map(() => mail), go };
  }

  async #oneByOne(commands: readonly string[]): Promise<readonly ServerReply[]> {
    const replies: ServerReply[] = [];
    for (const command of commands) {
      const [reply] = await this.#exchange(`${command}\r\n`, 1);
      if (reply !== undefined) replies.push(reply);
      if (replies.length === 1 && !replies.every(isPositive)) break;
    }
    return replies;
  }

  async #data(): Promise<ServerReply> {
    const [go] = await this.#exchange('DATA\r\n', 1);
    return go ?? LOST;
  }

  async #sendContent(rcpts: readonly ServerReply[], sending: Sending, byBdat: boolean): Promise<Handover> {
    const answers = await this.#contentAnswers(sending, byBdat);
    if (!this.#isCommitted) {
      // Refused half-way, by an answer to a chunk or out of turn.
      await this.#reset();
      return unsent(merged(rcpts, answers));
    }
    const isOdd = answers.some((answer) => !isPositive(answer) && answer.code < 400);
    const isWhole = answers.length === sending.answers || answers.at(-1)?.code === CLOSING;
    if (isOdd) this.#channel.close();
    // A refusal may leave a transaction open.
    else if (!answers.every(isPositive)) await this.#reset();
    const failure = isWhole && !isOdd ? null : (this.#channel.failure ?? new ChannelError('no answer'));
    const known = answers.map((answer) => (isPositive(answer) || answer.code >= 400 ? answer : LOST));
    const missing = answers.at(-1)?.code === CLOSING ? (answers.at(-1) ?? LOST) : LOST;
    const complete = Array.from({ length: sending.answers }, (_, at) => known[at] ?? missing);
    return { isSent: true, answers: merged(rcpts, complete), failure };
  }

  /** @throws Error when the message could not be sent whole, and the server has not said why */
  async #contentAnswers(sending: Sending, byBdat: boolean): Promise<readonly ServerReply[]> {
    try {
      const answers = await (byBdat ? sendByBdat : sendData)(this.#channel, sending);
      if (this.#isCommitted) return answers;
      const [answer] = answers;
      if (answer !== undefined) return [refusalOf(answer)];
    } catch (error) {
      if (!(error instanceof SmugglingError)) throw error;
      this.#channel.close();
      return [localReply(554, '5.6.0', error.message)];
    }
    const { failure } = this.#channel;
    if (failure instanceof UnaskedReplyError && failure.reply.code >= 400) return [failure.reply];
    throw failure ?? new ChannelError('no answer');
  }

  /** Begins anew, where that is possible, with a server that is not to get the message. */
  async #leave(go: ServerReply | null): Promise<void> {
    // An end mark would have it taken for the message.
    if (go?.code === GO_ON) this.#channel.close();
    else await this.#reset();
  }

  async #reset(): Promise<void> {
    // Whoever has answered before it has read everything is out of step.
    if (!this.#channel.isIdle) return this.#channel.close();
    const patience = Math.min(RESET_MS, this.#settings.commandMs);
    const [reply] = await this.#channel.exchange('RSET\r\n', 1, patience);
    if (reply === undefined || !isPositive(reply)) this.#channel.close();
  }

  /** @throws RefusalError when the server goes, the channel's failure when replies are missing */
  async #exchange(text: string, count: number): Promise<readonly ServerReply[]> {
    const replies = await this.#channel.exchange(text, count, this.#settings.commandMs);
    const refusal = replies.find(({ code }) => code === CLOSING || OUR_FAULT.has(code));
    if (refusal !== undefined) throw new RefusalError('envelope', refusal);
    if (replies.length < count) throw this.#channel.failure ?? new ChannelError('no answer');
    return replies;
  }
}

function unsent(answers: readonly ServerReply[]): Handover {
  return { isSent: false, answers, failure: null };
}

/** Gives taken recipients the answers to the message: one each, or one for all. */
function merged(rcpts: readonly ServerReply[], answers: readonly ServerReply[]): readonly ServerReply[] {
  let next = 0;
  return rcpts.map((rcpt) => {
    if (!isPositive(rcpt)) return rcpt;
    return answers[answers.length === 1 ? 0 : next++] ?? rcpt;
  });
}

/** @throws ReplyError for what neither takes nor refuses */
function refuseOther(reply: ServerReply): void {
  if (!isPositive(reply) && reply.code < 400) throw new ReplyError(`out of step: ${showReply(reply)}`);
}

/** @throws ReplyError when it is none */
function refusalOf(reply: ServerReply): ServerReply {
  if (reply.code < 400) throw new ReplyError(`out of step: ${showReply(reply)}`);
  return reply;
}
