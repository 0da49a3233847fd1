// Refuses clients by the name that they give with HELO or EHLO (qpsmtpd: plugins/helo). What it says of forged literals,
// reject_type, and names without addresses is done, as its documentation always had it.

import {
  type AtSession,
  type Connection,
  declined,
  definePlugin,
  listFile,
  option,
  type Verdict,
  whenReady,
} from 'qpsmtpd';
import { type DnsFacts, dnsComplaint, dnsFacts, mismatch } from './_helo-dns.ts';
import {
  anyLiteral,
  type BadHelo,
  type Complaint,
  falseLocalhost,
  forgedLiteral,
  inBadHelo,
  literalAddress,
  notQualified,
  parseBadHelo,
  plainAddress,
  plainName,
} from './_helo-name.ts';

const DEFAULT_SECONDS = 5;
const afterWhitelist = { after: ['whitelist'], otherwise: 'clients on its lists are refused all the same' };

export default definePlugin({
  name: 'helo',
  summary: 'refuses clients by the name they give with HELO',
  docs: `Looks at the name that a client gives with HELO or EHLO, each time it does. The first test that the name does not
pass counts: the client is refused, and its karma falls by 1. Which tests there are is a matter of policy.

lenient: the name is not listed in the file badhelo; localhost comes from this host alone; an address literal, such as
[192.0.2.1] or [IPv6:2001:db8::1], is the address of the client, or a private one, which mail programs behind translated
addresses give; an address without brackets is refused.

rfc: that, and the name has a domain and no characters that host names do not have; the DNS has an address for it, and a name
for the client's address. Mail programs on desktops give names without a domain, and home connections have poor reverse DNS: with
users who send through this server, take reject naughty with it, so that they can log in first.

strict: that, and the name is no address literal, and the DNS connects name and client one way or the other: an address
of the name is in the client's network (24 bits, or 96 with IPv6), or a name of the client's address ends in the same
two labels. If both is so, its karma rises by 1. RFC 5321 section 4.1.4 forbids to refuse mail for a mismatch alone: try
it with reject 0.

The DNS is asked by rfc and strict only, all questions at a time. What it does not answer, within timeout or at all, is not
held against the client.

An entry of badhelo is a name, which matches in any case, or a pattern in Perl's dialect, which is searched for anywhere
in the name in lower case; ! before a pattern refuses all names in which it is not found. A pattern holds one
of {}[]()^$|*+?\\! or stands between slashes.

Mail programs behind translated addresses say [192.168.1.5] or the like, which is not the address that they come from here: for their
sake too, reject naughty lets them log in.

Every message gets the field X-HELO with the name; what it had under that name is removed. Relay clients, and whitelisted hosts
and senders, are not tested.

The notes helo_forward_match and helo_reverse_match of the connection are 1 where an address of the name, or a name of the
address, belongs to the other one (rfc and strict).

Examples, in config/plugins:

helo policy lenient

helo policy rfc reject naughty timeout 3

Log lines: "pass", "fail" with what was wrong, "skip" with the reason where the DNS did not answer.`,
  options: {
    policy: option.oneOf(['lenient', 'rfc', 'strict'], { default: 'lenient', doc: 'which tests there are' }),
    timeout: option.number({ default: DEFAULT_SECONDS, min: 0, doc: 'seconds to wait for the DNS' }),
    dns_timeout: option.number({ min: 0, doc: 'another word for timeout, which goes before it' }),
    ...option.reject({ type: 'disconnect' }),
  },
  files: {
    badhelo: listFile({ form: 'NAME|PATTERN|!PATTERN', doc: 'names to refuse', parse: parseBadHelo }),
  },
  order: [
    { hook: 'helo', ...afterWhitelist },
    { hook: 'ehlo', ...afterWhitelist },
  ],
  setup({ options, files, dns }) {
    const { policy } = options;
    const timeoutMs = (options.dns_timeout || options.timeout || DEFAULT_SECONDS) * 1000;

    const byName = (host: string, { remoteIp }: Connection, list: readonly BadHelo[]): Complaint | null => {
      const name = plainName(host);
      const lenient =
        inBadHelo(name, list) ??
        falseLocalhost(name, remoteIp) ??
        forgedLiteral(host, remoteIp) ??
        plainAddress(name);
      if (lenient !== null || policy === 'lenient') return lenient;
      return notQualified(name) ?? (policy === 'strict' ? anyLiteral(host) : null);
    };

    const ask = async (at: AtSession, host: string): Promise<DnsFacts> => {
      const ip = at.connection.remoteIp;
      const name = literalAddress(host) === null ? plainName(host) : null;
      const limits = { timeoutMs, signal: at.signal };
      const [names, ...addresses] = await Promise.all([
        dns.reverse(ip, limits),
        ...(name === null ? [] : [dns.resolve4(name, limits), dns.resolve6(name, limits)]),
      ]);
      return dnsFacts(name, ip, { addresses, names });
    };

    const byDns = async (at: AtSession, host: string): Promise<Verdict> => {
      const facts = await ask(at, host);
      const { notes } = at.connection;
      if (facts.forwardMatch) notes.set('helo_forward_match', 1);
      if (facts.reverseMatch) notes.set('helo_reverse_match', 1);
      const wrong = dnsComplaint(facts) ?? (policy === 'strict' ? mismatch(facts) : null);
      if (wrong !== null) return refuse(at, wrong);
      if (policy === 'strict' && facts.forwardMatch && facts.reverseMatch) at.adjustKarma(1);
      at.log.info(facts.trouble === null ? 'pass' : `skip, DNS: ${facts.trouble}`);
      return declined;
    };

    const test = (at: AtSession, host: string) => {
      // What was found of another name says nothing of this one.
      at.connection.notes.delete('helo_forward_match');
      at.connection.notes.delete('helo_reverse_match');
      if (at.isImmune()) return declined;
      return whenReady(files.badhelo(at), (list) => {
        const wrong = byName(host, at.connection, list);
        if (wrong !== null) return refuse(at, wrong);
        if (policy !== 'lenient') return byDns(at, host);
        at.log.info('pass');
        return declined;
      });
    };

    return {
      helo: test,
      ehlo: test,
      data_post({ connection: { hello }, transaction: { header } }) {
        header.delete('X-HELO');
        header.addTop('X-HELO', hello?.host ?? '');
        return declined;
      },
    };
  },
});

function refuse(at: AtSession, { text, log, status }: Complaint): Verdict {
  at.adjustKarma(-1);
  return at.reject(text, { status, log });
}
