// Refuses pairs of sender and recipient as if the recipient did not exist, so that an unwanted sender does not
// learn that it is the sender who is listed (qpsmtpd: plugins/badmailfromto).

import {
  type Address,
  type AddressMatcher,
  type AtEnvelope,
  type AtSession,
  declined,
  definePlugin,
  deny,
  listFile,
  parseAddressOrHost,
  whenReady,
} from 'qpsmtpd';

interface Pair {
  readonly from: AddressMatcher;
  readonly to: AddressMatcher;
}

export default definePlugin({
  name: 'badmailfromto',
  summary: 'refuses listed senders for listed recipients',
  docs: `Keeps one sender from writing to one recipient, for instance in a case of harassment. The recipient is refused
at RCPT as one that does not exist; nothing tells the sender that the sender is the reason.

Each line of the file badmailfromto has a sender and a recipient, both either an address or @HOST. They match in any
case. All lines of a sender count. Bounces (MAIL FROM:<>) and senders without a domain are let pass. Relay
clients are not.

Example, in config/badmailfromto: ex@example.com me@example.org

The note badmailfromto of the transaction holds the sender parts of all lines that match the sender, in lower case.

Log lines: "pass" or "skip" with the reason (level debug), "fail" with the line.`,
  files: {
    badmailfromto: listFile({
      form: 'FROM TO',
      doc: 'senders and the recipients they cannot write to',
      parse: parsePair,
    }),
  },
  sideEffects: false,
  setup({ files }) {
    return {
      mail(at, sender) {
        if (!sender.isNull && sender.domain !== '') {
          return whenReady(files.badmailfromto(at), (pairs) => noteSender(at, sender, pairs));
        }
        at.log.debug(sender.isNull ? 'skip, null sender' : 'skip, sender without a domain');
        return declined;
      },
      rcpt(at, recipient) {
        if (at.transaction.notes.has('badmailfromto')) {
          return whenReady(files.badmailfromto(at), (pairs) => check(at, recipient, pairs));
        }
        at.log.debug('pass, sender not listed');
        return declined;
      },
    };
  },
});

function parsePair(line: string): Pair {
  const [from, to] = line.trim().split(/\s+/);
  if (from === undefined || to === undefined) throw new Error(`no recipient behind "${line.trim()}"`);
  return { from: parseAddressOrHost(from), to: parseAddressOrHost(to) };
}

function noteSender(at: AtSession, sender: Address, pairs: readonly Pair[]) {
  const listed = pairs.filter((pair) => pair.from.matches(sender)).map((pair) => lowerEntry(pair.from));
  if (listed.length > 0) at.transaction.notes.set('badmailfromto', [...new Set(listed)]);
  return declined;
}

function check(at: AtEnvelope, recipient: Address, pairs: readonly Pair[]) {
  const senders = at.transaction.notes.get('badmailfromto') ?? [];
  const found = pairs.find((pair) => senders.includes(lowerEntry(pair.from)) && pair.to.matches(recipient));
  if (found === undefined) {
    at.log.debug('pass, recipient not listed');
    return declined;
  }
  at.log.info(`fail, ${found.from.entry} ${found.to.entry}`);
  return deny(`no mail for ${recipient} is accepted here`, 'noSuchUser');
}

function lowerEntry(matcher: AddressMatcher): string {
  return matcher.entry.toLowerCase();
}
