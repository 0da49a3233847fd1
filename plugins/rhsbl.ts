// Refuses senders whose domain is on a list in the DNS (RFC 5782 section 3; qpsmtpd: plugins/rhsbl).

import {
  type Address,
  type AtSession,
  declined,
  definePlugin,
  listFile,
  option,
  remembered,
  type Verdict,
  whenReady,
} from 'qpsmtpd';
import { askZones, eachOnce, type Listing, troubleTeller } from './_dns-list.ts';
import { type DnsZone, parseZoneBlankText, warningBy } from './_dns-zone.ts';

export default definePlugin({
  name: 'rhsbl',
  summary: 'refuses senders whose domain is on a list in the DNS',
  docs: `At MAIL, all zones of the file rhsbl_zones are asked for the domain of the sender at once. The sender is refused as soon as
one of them lists it. Without zones nothing is asked.

The client is told what the list says of the domain (the TXT record). A zone with a text behind a blank is not asked for one:
the client gets that text, which goes on where "mail from example.com is refused because it" ends.

What counts as an answer, and what becomes of a zone without one, is as for dnsbl. Bounces (MAIL FROM:<>), senders without a
domain or with an address in its place, relay clients, and whitelisted hosts and senders are let pass.

Examples, in config/plugins:

rhsbl

rhsbl reject naughty reject_type disconnect

Two lines of config/rhsbl_zones:

  rhsbl.example.org
  bounces.example.net does not take bounces

Log lines: "pass", "fail" with the domain, the zone and its answer, "skip" with the reason where nothing was looked up,
"error" with a zone that gave no answer.`,
  options: {
    ...option.reject(),
    timeout: option.number({ default: 5, min: 0.1, doc: 'seconds that the lists have in all' }),
  },
  positional: ['reject_type'],
  files: {
    rhsbl_zones: listFile({
      form: 'ZONE [TEXT]',
      doc: 'lists of domains to ask; with a text, what the client is told of its domain',
      parse: parseZoneBlankText,
      warn: warningBy(parseZoneBlankText),
    }),
  },
  order: [
    {
      hook: 'mail',
      after: ['whitelist'],
      otherwise: 'senders on their list are refused all the same',
    },
  ],
  setup({ options, files, dns, clock }) {
    const tellTrouble = troubleTeller();
    const zonesOf = remembered(eachOnce);

    const ask = async (at: AtSession, zones: readonly DnsZone[], domain: string): Promise<Verdict> => {
      const timeoutMs = options.timeout * 1000;
      const found = await askZones(zones, domain, { dns, clock, signal: at.signal, timeoutMs });
      tellTrouble(at.log, found);
      const { listing } = found;
      if (listing !== null) {
        const log = [domain, listing.zone.name, ...listing.codes].join(' ');
        return at.reject(reasonFor(domain, listing), { status: '5.7.1', log });
      }
      at.log.info(found.isAnswered ? 'pass' : 'skip, no list has answered');
      return declined;
    };

    return {
      mail(at, sender) {
        if (at.isImmune()) return declined;
        const exempt = whyExempt(sender);
        if (exempt !== null) {
          at.log.info(`skip, ${exempt}`);
          return declined;
        }
        return whenReady(files.rhsbl_zones(at), (given) => {
          const zones = zonesOf(given);
          if (zones.length > 0) return ask(at, zones, sender.asciiDomain.toLowerCase());
          at.log.debug('skip, no zones');
          return declined;
        });
      },
    };
  },
});

function whyExempt({ isNull, domain }: Address): string | null {
  if (isNull) return 'null sender';
  if (domain === '') return 'sender without a domain';
  return domain.startsWith('[') ? 'sender with an address for a domain' : null;
}

function reasonFor(domain: string, { zone, text }: Listing): string {
  if (zone.text) return `mail from ${domain} is refused because it ${zone.text}`;
  return `mail from ${domain} is refused: ${text ?? `listed by ${zone.name}`}`;
}
