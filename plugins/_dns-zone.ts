// Lines of the files that name DNS lists: a zone, and words of the operator's own behind it. Zones are checked when the
// file is read (RFC 1035 section 2.3.4), since a zone that cannot be asked lists nobody and says nothing.

import { isIP } from 'node:net';

export interface DnsZone {
  /** in lower case, without a final dot */
  readonly name: string;
  /** what stands behind it; null where nothing does */
  readonly text: string | null;
}

const LONGEST_LABEL = 63;
/** 253 octets of a name, less 64 for the digits of an IPv6 address with their dots. */
const LONGEST_ZONE = 189;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;

/** Lists that have ended: some answer nothing, some list the whole world. */
const ENDED = ['ahbl.org', 'dsbl.org', 'njabl.org', 'ordb.org', 'rfc-ignorant.org', 'sorbs.net'];

/** Reads `ZONE` or `ZONE:TEXT`. @throws Error with a sentence for the operator */
export function parseZoneColonText(line: string): DnsZone {
  if (isIP(line.trim())) throw anAddress(line.trim());
  const [, zone = '', text] = /^([^:]*)(?::(.*))?$/s.exec(line.trim()) ?? [];
  if (text?.startsWith('//')) throw new Error(`"${line.trim()}" is a URL, not a DNS zone`);
  const name = zone.trim();
  if (/\s/.test(name)) {
    throw new Error(
      `there is a blank in the zone "${name}"; words for the client stand behind a colon: ZONE:TEXT`,
    );
  }
  return { name: checkedZone(name), text: text === undefined ? null : text.trim() };
}

/** Reads `ZONE` or `ZONE TEXT`. @throws Error with a sentence for the operator */
export function parseZoneBlankText(line: string): DnsZone {
  if (isIP(line.trim())) throw anAddress(line.trim());
  const [, zone = '', text] = /^(\S*)(?:\s+(.*))?$/s.exec(line.trim()) ?? [];
  if (zone.includes(':')) {
    throw new Error(`there is a colon in the zone "${zone}"; words stand behind a blank here: ZONE TEXT`);
  }
  return { name: checkedZone(zone), text: text ?? null };
}

/** What an operator should know of a zone that can be asked. */
export function zoneWarning(zone: DnsZone): string | null {
  const { name } = zone;
  const ended = ENDED.find((list) => name === list || name.endsWith(`.${list}`));
  if (ended !== undefined) return `the lists of ${ended} have ended; take "${name}" out`;
  return name.includes('.') ? null : `the zone "${name}" has no dot: is it the whole name?`;
}

/** `warn` of a file whose lines `parse` reads. */
export function warningBy(parse: (line: string) => DnsZone): (line: string) => string | null {
  return (line) => zoneWarning(parse(line));
}

function checkedZone(given: string): string {
  const name = given.replace(/\.$/, '').toLowerCase();
  if (isIP(name)) throw anAddress(given);
  if (name.length > LONGEST_ZONE) {
    throw new Error(`"${given}" is longer than ${LONGEST_ZONE} characters: no address has room before it`);
  }
  const wrong = name.split('.').find((label) => label.length > LONGEST_LABEL || !LABEL.test(label));
  if (wrong === undefined) return name;
  throw new Error(`"${given}" is not a DNS zone: ${whatIsWrong(wrong)}`);
}

function anAddress(text: string): Error {
  return new Error(`"${text}" is an address, not a DNS zone`);
}

function whatIsWrong(label: string): string {
  if (label === '') return 'a part between its dots is empty';
  if (label.length > LONGEST_LABEL) return `"${label}" is longer than ${LONGEST_LABEL} characters`;
  return `"${label}" has something but letters, digits and inner hyphens`;
}
