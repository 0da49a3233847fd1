// Hands messages to Postfix's cleanup(8) as its own smtpd(8) does, so that they are in Postfix's queue when the client gets
// its 250. Follows qpsmtpd's plugins/queue/postfix-queue in arguments, file, environment and notes.

import {
  type AtEnvelope,
  definePlugin,
  denial,
  deny,
  type Host,
  listFile,
  OptionError,
  ok,
  option,
  type Verdict,
} from 'qpsmtpd';
import { cleanupFlags, DISCARD, refusalOf } from './_cleanup-codes.ts';
import { envelopeRecords } from './_cleanup-envelope.ts';
import { LineRecords } from './_cleanup-lines.ts';
import { readAttributes, record, recordType } from './_cleanup-records.ts';
import { UnfitAddressError } from './_handed-address.ts';
import { decidesAll } from './_order.ts';
import { Peer, PeerError, type PeerLimits } from './_peer.ts';
import { askInOrder, NoAnswerError } from './_peer-order.ts';
import { readServers, type ServerName, showServer } from './_servers.ts';

declare module 'qpsmtpd' {
  interface TransactionNotes {
    /** sum of the flags that cleanup was given by queue/postfix-queue */
    'postfix-queue-flags': number;
    /** where queue/postfix-queue looked for cleanup */
    'postfix-queue-sockets': readonly string[];
  }
}

const DEFAULT_SOCKET = '/var/spool/postfix/public/cleanup';
const PROTOCOL = 'cleanup_protocol';

const options = {
  words: {
    ...option.words({
      form: '[SOCKET] [FLAG_…]',
      doc: `unix socket or HOST:PORT of cleanup, ${DEFAULT_SOCKET} without it, and flags for cleanup`,
    }),
    parse(text: string) {
      const words = text.split(/\s+/).filter((word) => word !== '');
      const [first = ''] = words;
      if (isSocket(first)) readSocket(first);
      return words;
    },
  },
  connect_timeout: option.integer({ default: 10, min: 1, doc: 'seconds until a connection stands' }),
  answer_timeout: option.integer({ default: 300, min: 1, doc: 'seconds in which octets must flow' }),
};

const files = {
  cleanup_sockets: listFile({
    form: 'PATH|HOST:PORT',
    doc: 'where cleanup listens; the next one is asked when one cannot be reached',
    parse(line) {
      readSocket(line);
      return line;
    },
  }),
};

export default definePlugin({
  name: 'queue/postfix-queue',
  summary: 'hands messages to the cleanup service of Postfix',
  docs: `Hands every message to the cleanup service of a Postfix on this host (or, through a forwarder, on another). Where it
listens is said by the environment variable POSTFIXQUEUE, else by the file cleanup_sockets, else by SOCKET, else it is
${DEFAULT_SOCKET}. With several sockets, the next one is asked when one cannot be reached, or goes before the
end of the message. The server's user must be allowed to enter Postfix's folder public (the group postdrop is).

Flags, of which none is set by itself: FLAG_FILTER (header and body checks, content_filter), FLAG_MILTER
(non_smtpd_milters), FLAG_FILTER_ALL (both), FLAG_BCC_OK (bcc maps), FLAG_MAP_OK (virtual and canonical maps),
FLAG_MASK_EXTERNAL (these four: as Postfix treats mail from outside, and what you most likely want), FLAG_MASK_INTERNAL
(FLAG_MAP_OK), FLAG_HOLD (to the hold queue), FLAG_DISCARD (throws all mail away), FLAG_MASK_EXTRA (these two), FLAG_BOUNCE
(cleanup sends bad messages back itself), FLAG_SMTP_REPLY (milters give whole replies), FLAG_SMTPUTF8, FLAG_AUTOUTF8,
FLAG_REQTLS (Postfix 3.11), FLAG_NONE. Other words are named in the log and have no effect. Options stand before SOCKET and flags.

Postfix hears of the client what its own smtpd would tell: name, address, HELO, login, and wishes for delivery reports;
SMTPUTF8 is set where the client has asked for it. Its header rewriting leaves the message alone (as with
local_header_rewrite_clients empty).

What cleanup reports is the answer: a message that is too big, that has passed too many hosts, whose content is rejected (with
the words of header_checks and body_checks, and their 4xx where they say so) or that has no recipients is refused for
good, whatever else for now.

Sets the notes postfix-queue-flags and postfix-queue-sockets on the transaction.

Examples, in config/plugins:

queue/postfix-queue FLAG_MASK_EXTERNAL

queue/postfix-queue /var/spool/postfix-in/public/cleanup FLAG_FILTER FLAG_MAP_OK

Log lines: "pass" with the queue id, "fail" with cleanup's reason, "error" when cleanup cannot be reached.`,
  options,
  positional: ['words'],
  files,
  carries: ['SMTPUTF8', 'DSN'],
  handsOn: true,
  order: decidesAll,
  check({ options: { words } }, checkup) {
    flagsOf(flagWords(words), (text) =>
      checkup.warn(text, 'flags begin with FLAG_; options stand before them'),
    );
  },
  setup(host: Host<typeof options, typeof files>) {
    const { options: given, env, log } = host;
    const [first = ''] = given.words;
    const own = isSocket(first) ? first : DEFAULT_SOCKET;
    const flags = flagsOf(flagWords(given.words), log.warn.bind(log));
    const forced = env['POSTFIXQUEUE'] || null;
    if (forced !== null) readSocket(forced);
    const limits = { connectMs: given.connect_timeout * 1000, idleMs: given.answer_timeout * 1000 };
    return {
      async queue(at) {
        const listed = forced === null ? await host.files.cleanup_sockets(at) : [forced];
        const sockets = listed.length > 0 ? listed : [own];
        at.transaction.notes.set('postfix-queue-flags', flags);
        at.transaction.notes.set('postfix-queue-sockets', sockets);
        return queue(at, sockets, flags, { ...limits, signal: at.signal });
      },
    };
  },
});

/** @throws OptionError */
function readSocket(text: string): ServerName {
  const [server, ...more] = readServers(text, 0, true);
  // Port 0 is none: TCP has no usual one here.
  if (server === undefined || more.length > 0) throw new OptionError(`"${text}" is not one socket`);
  return server;
}

function isSocket(word: string): boolean {
  return word.startsWith('/') || word.includes(':');
}

/** What stands behind the socket, where there is one. */
function flagWords(words: readonly string[]): readonly string[] {
  return isSocket(words[0] ?? '') ? words.slice(1) : words;
}

function flagsOf(words: readonly string[], warn: (text: string) => void): number {
  let flags = 0;
  for (const word of words) {
    const flag = word.startsWith('FLAG_') ? cleanupFlags.get(word.slice('FLAG_'.length)) : undefined;
    if (flag === undefined) warn(`"${word}" is no flag of cleanup and has no effect`);
    else flags |= flag;
  }
  return flags;
}

async function queue(
  at: AtEnvelope,
  sockets: readonly string[],
  flags: number,
  limits: PeerLimits,
): Promise<Verdict> {
  let envelope: Buffer;
  try {
    envelope = envelopeRecords(at, flags);
  } catch (error) {
    if (!(error instanceof UnfitAddressError)) throw error;
    at.log.error(`error, ${error.message}`);
    return deny('an address cannot be handed on', '5.1.3');
  }
  return askInOrder(at, sockets.map(readSocket), (server) =>
    deliver(at, server, { envelope, flags }, limits),
  );
}

interface Head {
  readonly envelope: Buffer;
  readonly flags: number;
}

async function deliver(at: AtEnvelope, server: ServerName, head: Head, limits: PeerLimits): Promise<Verdict> {
  const peer = await Peer.connect(server, limits);
  try {
    const greeting = await peer.read(readAttributes);
    const id = greeting.get('queue_id');
    // Postfix before 3.6 does not say which protocol it is.
    if (id === undefined || (greeting.get('protocol') ?? PROTOCOL) !== PROTOCOL) {
      throw new PeerError('is not cleanup');
    }
    const end = await converse(at, peer, head);
    return verdictOf(at, showServer(server), id, end);
  } finally {
    peer.close();
  }
}

/** @throws PeerError, NoAnswerError once the whole message is sent */
async function converse(
  { transaction: { content } }: AtEnvelope,
  peer: Peer,
  { envelope, flags }: Head,
): Promise<ReadonlyMap<string, string>> {
  await peer.write(envelope);
  // Then cleanup reads no more, and says so at once.
  if ((flags & DISCARD) !== 0) return peer.read(readAttributes);
  const lines = new LineRecords();
  for await (const chunk of content.inMemory('lf') ?? content.chunks('lf')) {
    if (peer.hasSpoken) throw new PeerError('has gone in the middle of the message');
    await peer.write(lines.convert(chunk));
  }
  await peer.write(lines.end());
  try {
    await peer.write(Buffer.concat([record(recordType.extracted), record(recordType.end)]));
    return await peer.read(readAttributes);
  } catch (error) {
    throw error instanceof PeerError ? new NoAnswerError(`no answer: ${error.message}`) : error;
  }
}

function verdictOf(at: AtEnvelope, socket: string, id: string, end: ReadonlyMap<string, string>): Verdict {
  const text = end.get('status') ?? '';
  if (!/^\d{1,10}$/.test(text)) throw new NoAnswerError('no status');
  const status = Number(text);
  if (status === 0) {
    at.log.info(`pass, queued by ${socket} as ${id}`);
    return ok(`queued as ${id}`);
  }
  const reason = end.get('reason') ?? '';
  const refusal = refusalOf(status, reason);
  at.log.notice(`fail, ${socket}: status ${status}, ${reason || refusal.text}`);
  return denial(refusal.isPermanent ? 'DENY' : 'DENYSOFT', refusal.text, refusal.status);
}
