// Refuses clients whose address is on a list in the DNS (RFC 5782; qpsmtpd: plugins/dnsbl). Like rblsmtpd it obeys
// the environment variable RBLSMTPD.

import {
  type AtSession,
  type Awaitable,
  declined,
  definePlugin,
  denial,
  listFile,
  type Network,
  NetworkList,
  option,
  parseNetwork,
  remembered,
  type Verdict,
  whenReady,
} from 'qpsmtpd';
import { askZones, eachOnce, type Listing, listedName, troubleTeller } from './_dns-list.ts';
import { type DnsZone, parseZoneColonText, warningBy } from './_dns-zone.ts';

/** Recipients to whom a refused client may complain (RFC 5321 section 4.5.1, RFC 2142). */
const SPARED = /^(?:postmaster|abuse|mailer-daemon|root)$/i;

export default definePlugin({
  name: 'dnsbl',
  summary: 'refuses clients whose address is on a list in the DNS',
  docs: `When a client connects, all zones of the file dnsbl_zones are asked for its address at once. The client is refused as soon as
one of them lists it, and its karma falls by 1. Without zones nothing is asked.

The client is told what the list says of it (the TXT record). A zone with a text behind a colon is not asked for one:
the client gets that text, in which %IP% stands for its address. Lines of the file dnsbl_rejectmsg go before
either, such as what to do about it.

An answer counts when it is an address in 127.0.0.0/8 (RFC 5782). Other answers, 127.255.255.N and
127.0.0.1 list nobody: so a list says that it does not answer this server, or somebody that every name exists. That is in the
log once for each zone. A zone that gives no answer within timeout lets the client in: the greeting waits so long
at most. IPv6 addresses are asked for, private ones are not.

Relay clients, whitelisted hosts, and clients in the file dnsbl_allow are not looked up, so put the plugin relay above this one.
The environment variable RBLSMTPD, where tcpserver's rules set it, goes before lists: if it is empty, no list is
asked; else its text is what the client is refused with. A hyphen before the text makes that a refusal for good whatever
reject_type says.

With reject naughty the plugin naughty refuses, at a phase of its choice: users whose address is listed can log in
first, which they cannot where they are refused at once. Mail to postmaster, abuse, root and
mailer-daemon then gets through: for such a recipient the mark is taken away, whoever made it, and for other
recipients it is back.

Examples, in config/plugins:

dnsbl

dnsbl reject naughty reject_type disconnect

Two lines of config/dnsbl_zones:

  dnsbl.example.org
  dnsbl.example.net:listed, see https://www.example.net/?ip=%IP%

Log lines: "pass", "fail" with the zone and its answer, "skip" with the reason where nothing was looked up, "error" with
a zone that gave no answer.`,
  options: {
    ...option.reject(),
    timeout: option.number({ default: 5, min: 0.1, doc: 'seconds that the lists have in all' }),
  },
  positional: ['reject_type'],
  files: {
    dnsbl_zones: listFile({
      form: 'ZONE[:TEXT]',
      doc: 'lists of addresses to ask; with a text, what the client is told, with %IP% for its address',
      parse: parseZoneColonText,
      warn: warningBy(parseZoneColonText),
    }),
    dnsbl_allow: listFile({
      form: 'IP|IP/BITS|PREFIX.',
      doc: 'clients that are not looked up',
      parse: parseAllowed,
    }),
    dnsbl_rejectmsg: listFile({
      form: 'TEXT',
      doc: 'what a refused client is told before the text of the list',
      parse: (line) => line.trim(),
    }),
  },
  order: [
    {
      hook: 'connect',
      after: ['relay', 'whitelist'],
      otherwise: 'clients that they would let pass are checked all the same',
    },
  ],
  setup({ options, files, dns, clock, env, perConnection }) {
    const allowedBy = remembered((networks: readonly Network[]) => new NetworkList(networks));
    const zonesOf = remembered(eachOnce);
    const tellTrouble = troubleTeller();
    const withheld = perConnection(() => ({ mark: '' }));

    const refuse = async (at: AtSession, reason: string, log: string): Promise<Verdict> => {
      const lead = await files.dnsbl_rejectmsg(at);
      const text = [...lead, reason].join(' ').replaceAll('%IP%', at.connection.remoteIp);
      at.adjustKarma(-1);
      return at.reject(text, { status: '5.7.1', log });
    };

    const obeyEnvironment = async (at: AtSession, words: string): Promise<Verdict> => {
      const [, hyphen, text = ''] = /^(-?)\s*(.*)$/s.exec(words) ?? [];
      const verdict = await refuse(at, text || 'connection refused', `RBLSMTPD=${words}`);
      return hyphen === '-' ? forGood(verdict) : verdict;
    };

    const ask = async (at: AtSession, zones: readonly DnsZone[], name: string): Promise<Verdict> => {
      const timeoutMs = options.timeout * 1000;
      const found = await askZones(zones, name, { dns, clock, signal: at.signal, timeoutMs });
      tellTrouble(at.log, found);
      if (found.listing !== null) return refuse(at, reasonOf(found.listing), shown(found.listing));
      at.log.info(found.isAnswered ? 'pass' : 'skip, no list has answered');
      return declined;
    };

    const check = (at: AtSession): Awaitable<Verdict> => {
      const ip = at.connection.remoteIp;
      const words = env['RBLSMTPD'];
      if (words) return obeyEnvironment(at, words);
      if (words === '') return skip(at, 'RBLSMTPD is empty');
      return whenReady(files.dnsbl_zones(at), (given) => {
        const zones = zonesOf(given);
        if (zones.length === 0) return skip(at, 'no zones', 'debug');
        const name = listedName(ip);
        if (name === null) return skip(at, 'private address');
        return whenReady(files.dnsbl_allow(at), (allowed) =>
          allowedBy(allowed).contains(ip) ? skip(at, 'in dnsbl_allow') : ask(at, zones, name),
        );
      });
    };

    /** Takes the mark of a connection away for a while, or gives it back. */
    const spare = (at: AtSession, isSpared: boolean): typeof declined => {
      const { notes, relayClient } = at.connection;
      const mark = notes.get('naughty') ?? '';
      const held = withheld(at.connection);
      if (isSpared && mark !== '') {
        held.mark = joined(held.mark, mark);
        notes.delete('naughty');
        at.log.notice('skip, recipients of complaints are spared');
      } else if (!isSpared && held.mark !== '') {
        // A login has cleared what there was.
        if (!relayClient) notes.set('naughty', joined(held.mark, mark));
        held.mark = '';
      }
      return declined;
    };

    return {
      connect: (at) => (at.isImmune() ? declined : check(at)),
      // Before all others, wherever this line stands: they may refuse by the mark.
      mail: { first: (at) => spare(at, false) },
      rcpt: { first: (at, recipient) => spare(at, SPARED.test(recipient.localPart)) },
      // It stays so until the next MAIL: naughty looks once more when the message is there.
      data: { first: (at) => spare(at, isAllSpared(at)) },
    };
  },
});

function skip(at: AtSession, why: string, level: 'info' | 'debug' = 'info'): typeof declined {
  at.log[level](`skip, ${why}`);
  return declined;
}

// qpsmtpd takes a beginning without its last dot, too.
function parseAllowed(line: string): Network {
  const text = line.trim();
  return parseNetwork(/^\d{1,3}(?:\.\d{1,3}){0,2}$/.test(text) ? `${text}.` : text);
}

function reasonOf({ zone, text }: Listing): string {
  return zone.text || text || `mail from %IP% is refused: it is listed by ${zone.name}`;
}

function shown({ zone, codes }: Listing): string {
  return [zone.name, ...codes].join(' ');
}

function forGood(verdict: Verdict): Verdict {
  const { code, text, status } = verdict;
  const hard = { DENYSOFT: 'DENY', DENYSOFT_DISCONNECT: 'DENY_DISCONNECT' } as const;
  return code in hard ? denial(hard[code as keyof typeof hard], text.join('\n'), status) : verdict;
}

function joined(before: string, mark: string): string {
  return before === '' || mark === '' ? before + mark : `${before}\n${mark}`;
}

function isAllSpared({ transaction }: AtSession): boolean {
  return transaction.recipients.every(({ localPart }) => SPARED.test(localPart));
}
