// Hands messages to a server by QMQP (cr.yp.to/proto/qmqp.html), as qmail's qmail-qmqpc does: to a queue on another host
// that trusts this one.

import { setImmediate } from 'node:timers/promises';
import {
  type AtEnvelope,
  definePlugin,
  denial,
  deny,
  type EnhancedStatus,
  type MessageContent,
  ok,
  option,
  type Verdict,
} from 'qpsmtpd';
import { UnfitAddressError } from './_handed-address.ts';
import { decidesAll } from './_order.ts';
import { Peer, PeerError, type PeerLimits } from './_peer.ts';
import { askInOrder, NoAnswerError } from './_peer-order.ts';
import { frame, lengthOf, type QmqpAnswer, readAnswer } from './_qmqp.ts';
import { readServers, type ServerName, showServer } from './_servers.ts';

const QMQP_PORT = 628;
const REASON_MS = 2000;

/** The server is gone in the middle of the message. */
class CutOffError extends PeerError {}

export default definePlugin({
  name: 'queue/qmqp',
  summary: 'hands messages to a server by QMQP',
  docs: `Hands every message to a server that speaks QMQP: qmail-qmqpd, or Postfix's qmqpd. With several servers, the next is
asked when one cannot be reached, or goes before the last octet of the message was sent; not when its answer is missing,
as the message might then be delivered twice.

The server answers for the message as a whole: K is 250, Z refuses it for now, D for good, with the server's words. Where the
words begin with an enhanced status code of that kind, it is handed on. Lines end with LF. Addresses have no quotes, as
QMQP wants them.

Examples, in config/plugins:

queue/qmqp 10.2.2.2

queue/qmqp queue1.example.org,queue2.example.org:6280

Log lines: "pass" and "fail" with the server's answer, "error" when a server cannot be reached.`,
  options: {
    servers: {
      ...option.text({
        required: true,
        form: 'HOST[:PORT][,…]',
        doc: 'servers, tried in this order; the port is 628 where it is not said',
      }),
      parse(text: string) {
        readServers(text, QMQP_PORT);
        return text;
      },
    },
    connect_timeout: option.integer({ default: 10, min: 1, doc: 'seconds until a connection stands' }),
    answer_timeout: option.integer({ default: 300, min: 1, doc: 'seconds in which octets must flow' }),
  },
  positional: ['servers'],
  carries: ['SMTPUTF8'],
  handsOn: true,
  order: decidesAll,
  setup({ options }) {
    const servers = readServers(options.servers, QMQP_PORT);
    const limits = { connectMs: options.connect_timeout * 1000, idleMs: options.answer_timeout * 1000 };
    return {
      async queue(at) {
        try {
          const length = await lengthOf(at.transaction.content);
          const packet = frame(at.transaction, length);
          return await askInOrder(at, servers, (server) =>
            deliver(at, server, packet, { ...limits, signal: at.signal }),
          );
        } catch (error) {
          if (!(error instanceof UnfitAddressError)) throw error;
          at.log.error(`error, ${error.message}`);
          return deny('an address cannot be handed on', '5.1.3');
        }
      },
    };
  },
});

async function deliver(
  at: AtEnvelope,
  server: ServerName,
  packet: Packet,
  limits: PeerLimits,
): Promise<Verdict> {
  const answer = await ask(server, limits, (peer) => converse(at, peer, packet)).catch((error: unknown) => {
    if (error instanceof CutOffError) return reasonAgain(server, limits, packet, error);
    throw error;
  });
  return verdictOf(at, showServer(server), answer);
}

async function ask<T>(server: ServerName, limits: PeerLimits, talk: (peer: Peer) => Promise<T>): Promise<T> {
  const peer = await Peer.connect(server, limits);
  try {
    return await talk(peer);
  } finally {
    peer.close();
  }
}

/**
 * A server that has seen the length, has said no and is gone: its words are lost when a write fails before they are read.
 * Said the length alone, it says them again. @throws the first error when it does not
 */
async function reasonAgain(
  server: ServerName,
  { connectMs, signal }: PeerLimits,
  { before }: Packet,
  first: CutOffError,
): Promise<QmqpAnswer> {
  const limits = { connectMs, idleMs: REASON_MS, signal };
  const answer = await ask(server, limits, async (peer) => {
    await peer.write(before);
    return peer.read(readAnswer);
  }).catch((error: unknown) => {
    throw error instanceof PeerError ? first : error;
  });
  if (answer.kind === 'K') throw first;
  return answer;
}

type Packet = ReturnType<typeof frame>;

/** @throws PeerError, NoAnswerError once the whole message is sent */
async function converse({ transaction }: AtEnvelope, peer: Peer, packet: Packet): Promise<QmqpAnswer> {
  const early = await earlyAnswer(peer, packet, transaction.content);
  if (early?.kind === 'K') throw new PeerError('takes the message before it has it');
  if (early !== null) return early;
  try {
    await peer.write(packet.behind);
    return await peer.read(readAnswer);
  } catch (error) {
    throw error instanceof PeerError ? new NoAnswerError(`no answer: ${error.message}`) : error;
  }
}

/** Sends all but the end. A server that has seen enough says so, and reads no more. @throws PeerError */
async function earlyAnswer(
  peer: Peer,
  { before }: Packet,
  content: MessageContent,
): Promise<QmqpAnswer | null> {
  try {
    await peer.write(before);
    await setImmediate();
    for await (const chunk of content.inMemory('lf') ?? content.chunks('lf')) {
      if (peer.hasSpoken) break;
      await peer.write(chunk);
    }
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    if (!peer.hasSpoken) throw new CutOffError(error.message);
  }
  return peer.hasSpoken ? peer.read(readAnswer) : null;
}

function verdictOf(at: AtEnvelope, server: string, { kind, text }: QmqpAnswer): Verdict {
  if (kind === 'K') {
    at.log.info(`pass, ${server}: ${text}`);
    return ok(`queued: ${text}`);
  }
  at.log.notice(`fail, ${server}: ${kind} ${text}`);
  const digit = kind === 'D' ? '5' : '4';
  const [, own, rest = text] = /^(?:Error: )?([45]\.\d{1,3}\.\d{1,3})[ :]+(.*)$/s.exec(text) ?? [];
  const status = own?.[0] === digit ? (own as EnhancedStatus) : (`${digit}.3.0` as EnhancedStatus);
  return denial(kind === 'D' ? 'DENY' : 'DENYSOFT', rest, status);
}
