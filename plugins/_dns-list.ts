// Asks lists in the DNS (RFC 5782), all at once and for a limited time. Only an address in 127.0.0.0/8 says that somebody
// is listed (section 2.1): a resolver that answers every name, or a list that refuses to, lists nobody.

import { isIP } from 'node:net';
import { type Clock, type Logger, NetworkList, parseNetwork, printable, type Resolver } from 'qpsmtpd';
import type { DnsZone } from './_dns-zone.ts';

export interface Listing {
  readonly zone: DnsZone;
  /** the addresses that say so */
  readonly codes: readonly string[];
  /** what the list says of it, fit to be shown; null where it is not asked for, or says nothing */
  readonly text: string | null;
}

/** What came of a question to all zones. */
export interface Found {
  /** the first one that came */
  readonly listing: Listing | null;
  /** zones of which nobody could say whether they list */
  readonly failures: readonly { readonly zone: string; readonly why: string }[];
  /** zones with answers that mean no listing */
  readonly strange: readonly { readonly zone: string; readonly values: string }[];
  /** whether at least one zone has said something */
  readonly isAnswered: boolean;
}

export interface Asking {
  readonly dns: Resolver;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** for all questions together */
  readonly timeoutMs: number;
  /** answers in 127.0.0.0/8 that mean no listing, beside those that no list means so */
  readonly noListing?: readonly string[];
  /** asks for the text of a list also where the zone has words of the operator's own */
  readonly alwaysText?: boolean;
}

type Answer =
  | { readonly kind: 'listed'; readonly listing: Listing }
  | { readonly kind: 'clear' }
  | { readonly kind: 'failed'; readonly zone: string; readonly why: string }
  | { readonly kind: 'strange'; readonly zone: string; readonly values: string };

const LONGEST_TEXT = 400;
const listingCodes = NetworkList.parse(['127.0.0.0/8']);
// By these, lists say that they do not answer: for too many questions, or by way of a public resolver.
const refusalCodes = ['127.255.255.0/24', '127.0.0.1'];

// RFC 6890: addresses that belong to no one host of the Internet. Those for documentation do no harm.
const unlisted = NetworkList.parse([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.168.0.0/16', '224.0.0.0/3', '::/128', '::1/128', 'fc00::/7', 'fe80::/10', 'ff00::/8'],
]);

/**
 * The name of an address in a list, without the zone: `4.3.2.1`, or 32 hex digits (RFC 5782 sections 2.1 and 2.4).
 * Null for what no list can know: private addresses, and what is no address.
 */
export function listedName(ip: string): string | null {
  if (!isIP(ip) || unlisted.contains(ip)) return null;
  const { family, words } = parseNetwork(ip);
  const digits = words.map((word) => word.toString(16).padStart(8, '0')).join('');
  const parts = family === 4 ? [...Buffer.from(digits, 'hex')] : [...digits];
  return parts.reverse().join('.');
}

/** Asks until the first zone lists the name, or all have answered. Never rejects. */
export async function askZones(zones: readonly DnsZone[], name: string, asking: Asking): Promise<Found> {
  const enough = new AbortController();
  const means = {
    ...asking,
    signal: AbortSignal.any([asking.signal, enough.signal]),
    until: asking.clock.monotonic() + asking.timeoutMs,
    refusals: NetworkList.parse([...refusalCodes, ...(asking.noListing ?? [])]),
  };
  const answers: Answer[] = [];
  const first = new Promise<Listing | null>((resolve) => {
    const asked = zones.map(async (zone) => {
      const answer = await askZone(zone, `${name}.${zone.name}`, means);
      answers.push(answer);
      if (answer.kind === 'listed') resolve(answer.listing);
    });
    void Promise.all(asked).then(() => resolve(null));
  });
  const listing = await first;
  const found = {
    listing,
    // Where the client is gone, nothing is wrong with a zone.
    failures: asking.signal.aborted ? [] : answers.filter((answer) => answer.kind === 'failed'),
    strange: answers.filter((answer) => answer.kind === 'strange'),
    isAnswered: answers.some(({ kind }) => kind === 'clear' || kind === 'listed'),
  };
  enough.abort();
  return found;
}

interface Means extends Asking {
  readonly until: number;
  readonly refusals: NetworkList;
}

async function askZone(zone: DnsZone, name: string, means: Means): Promise<Answer> {
  const answer = await means.dns.resolve4(name, timeLeft(means));
  if (answer.kind === 'no-name') return { kind: 'clear' };
  if (answer.kind === 'timeout') return { kind: 'failed', zone: zone.name, why: 'no answer in time' };
  if (answer.kind === 'failure') return { kind: 'failed', zone: zone.name, why: printable(answer.reason) };
  if (answer.kind === 'answer') {
    const codes = answer.values.filter((ip) => listingCodes.contains(ip) && !means.refusals.contains(ip));
    if (codes.length === 0) return { kind: 'strange', zone: zone.name, values: answer.values.join(' ') };
    return { kind: 'listed', listing: { zone, codes, text: await askText(zone, name, means) } };
  }
  // qpsmtpd counts a text alone as a listing, where it asks for one.
  const text = await askText(zone, name, means);
  return text === null ? { kind: 'clear' } : { kind: 'listed', listing: { zone, codes: [], text } };
}

async function askText(zone: DnsZone, name: string, means: Means): Promise<string | null> {
  if (zone.text !== null && means.alwaysText !== true) return null;
  const answer = await means.dns.resolveTxt(name, timeLeft(means));
  const [text = ''] = answer.kind === 'answer' ? answer.values : [];
  const shown = printable(text.replace(/\s+/g, ' ').trim()).slice(0, LONGEST_TEXT);
  return shown === '' ? null : shown;
}

function timeLeft({ signal, clock, until }: Means) {
  return { signal, timeoutMs: Math.max(1, until - clock.monotonic()) };
}

/** Writes what went wrong to the log. What a zone should not answer is told once for each zone and answer. */
export function troubleTeller(): (log: Logger, found: Found) => void {
  const told = new Set<string>();
  return (log, { failures, strange }) => {
    for (const { zone, why } of failures) log.error(`error, ${zone}: ${why}`);
    for (const { zone, values } of strange) {
      if (told.has(zone)) continue;
      told.add(zone);
      log.warn(
        `error, ${zone} answers ${values}, which lists nobody: does it take questions of this server, and is the zone right?`,
      );
    }
  };
}

/** The zones of a file, each once; of two lines for one zone the last counts. */
export function eachOnce(zones: readonly DnsZone[]): readonly DnsZone[] {
  return [...new Map(zones.map((zone) => [zone.name, zone])).values()];
}
