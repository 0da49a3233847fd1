// Finds clients on a whitelist in the DNS, which checks of later plugins then let pass (RFC 5782; qpsmtpd:
// plugins/dns_whitelist_soft).

import { type AtSession, declined, definePlugin, listFile, option, remembered, whenReady } from 'qpsmtpd';
import { askZones, eachOnce, type Found, type Listing, listedName, troubleTeller } from './_dns-list.ts';
import { type DnsZone, parseZoneBlankText, warningBy } from './_dns-zone.ts';

/** So the whitelist of dnswl.org answers everybody who asks too much: that is no praise. */
const REFUSAL = '127.0.0.255';

export default definePlugin({
  name: 'dns_whitelist_soft',
  summary: 'finds clients that are on a whitelist in the DNS',
  docs: `When a client connects, all zones of the file whitelist_zones are asked for its address, while the client is served. At
RCPT it counts what they have said: a client that one of them lists is whitelisted from then on, which
spares it the checks of plugins that are asked later. Put it above those that deal with recipients. Checks at
connect, at HELO and at MAIL take place in any case, and being whitelisted does not make a relay client.

What counts as an answer is as for dnsbl; also, 127.0.0.255 lists nobody. A list that has said nothing when timeout
is over does not count: an early RCPT waits until then at most. Private addresses are not looked up.

Example, in config/plugins: dns_whitelist_soft

A line of config/whitelist_zones:

  wl.example.org our other sites

The note whitelisthost of the connection holds what the list says of the client, or what stands behind the zone.

Log lines: "pass" with the zone and its answer for a client that is listed (level notice), "skip" for others, "error"
with a zone that gave no answer.`,
  options: {
    timeout: option.number({ default: 4, min: 0.1, doc: 'seconds that the lists have in all' }),
  },
  files: {
    whitelist_zones: listFile({
      form: 'ZONE [COMMENT]',
      doc: 'whitelists of addresses to ask',
      parse: parseZoneBlankText,
      warn: warningBy(parseZoneBlankText),
    }),
  },
  order: [
    {
      hook: 'rcpt',
      before: ['badrcptto', 'greylisting', 'qmail_deliverable'],
      otherwise: 'clients on its lists are checked all the same at their first recipient',
    },
  ],
  setup({ options, files, dns, clock, perConnection }) {
    const tellTrouble = troubleTeller();
    const zonesOf = remembered(eachOnce);
    const lookups = perConnection(() => ({ found: null as Promise<Found> | null }));

    const begin = (at: AtSession, given: readonly DnsZone[]) => {
      const { connection } = at;
      const lookup = lookups(connection);
      // Behind XCLIENT it is another client that connects.
      lookup.found = null;
      const name = listedName(connection.remoteIp);
      const zones = zonesOf(given);
      if (name === null || zones.length === 0) {
        at.log.debug(`skip, ${name === null ? 'private address' : 'no zones'}`);
        return declined;
      }
      lookup.found = askZones(zones, name, {
        dns,
        clock,
        // It goes on when this handler has ended.
        signal: connection.signal,
        timeoutMs: options.timeout * 1000,
        noListing: [REFUSAL],
        alwaysText: true,
      });
      return declined;
    };

    const conclude = async (at: AtSession, lookup: { found: Promise<Found> | null }) => {
      const found = await lookup.found;
      lookup.found = null;
      if (found === null) return declined;
      tellTrouble(at.log, found);
      const { listing } = found;
      if (listing === null) {
        at.log.info('skip, on no whitelist');
        return declined;
      }
      at.connection.notes.set('whitelisthost', reasonOf(listing));
      at.log.notice(`pass, ${[listing.zone.name, ...listing.codes].join(' ')}`);
      return declined;
    };

    return {
      connect: (at) =>
        at.isImmune() ? declined : whenReady(files.whitelist_zones(at), (zones) => begin(at, zones)),
      rcpt(at) {
        const lookup = lookups(at.connection);
        return lookup.found === null ? declined : conclude(at, lookup);
      },
    };
  },
});

function reasonOf({ zone, text }: Listing): string {
  return text || zone.text || `listed by ${zone.name}`;
}
