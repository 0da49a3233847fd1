// Entries of the lists badmailfrom, badrcptto and badmailfromto: an address, a whole host, or a pattern. What
// is a legal address (RFC 5321) is taken for one, so that user+tag@host means itself; what cannot be one, or
// stands between slashes, is a pattern.

import { Address } from '../protocol/address.ts';
import { compilePattern } from './pattern.ts';

export interface AddressMatcher {
  /** as written in the file, without blanks around it */
  readonly entry: string;
  matches(address: Address): boolean;
}

export interface AddressEntry extends AddressMatcher {
  /** what stands behind the entry on its line */
  readonly reason: string | null;
}

const ENTRY_AND_REASON = /^\s*(\S+)(?:\s+(.*\S))?\s*$/s;
const BETWEEN_SLASHES = /^\/(.+)\/$/s;
const PATTERN_CHARACTER = /[\\^$*+?!%/()[\]{}|]/;

/**
 * Reads `ADDRESS|@HOST|PATTERN [REASON]`. Addresses and hosts match in any case. Patterns are tried on the
 * address in lower case, so capitals in one need `ignoreCase`.
 *
 * @throws Error with a sentence for the operator
 */
export function parseAddressEntry(line: string, { ignoreCase }: { ignoreCase: boolean }): AddressEntry {
  const [, entry, reason] = ENTRY_AND_REASON.exec(line) ?? [];
  if (entry === undefined) throw new Error('the entry is empty');
  const matcher = addressOrHost(entry) ?? pattern(entry, ignoreCase);
  return { ...matcher, reason: reason ?? null };
}

// The plus sign is left out: it stands in many an address, and as a pattern it never matched those.
const LIKELY_PATTERN = /[\\^$*?!%/{}|]/;

/** What to know of an entry that qpsmtpd in Perl took for a pattern and that is an address here. */
export function addressEntryWarning(line: string): string | null {
  const [, entry = ''] = ENTRY_AND_REASON.exec(line) ?? [];
  if (!LIKELY_PATTERN.test(entry) || addressOrHost(entry) === null) return null;
  return `"${entry}" is taken for an address; if it is meant as a pattern, write it between slashes: /${entry}/`;
}

/**
 * Reads `ADDRESS|@HOST`.
 *
 * @throws Error with a sentence for the operator
 */
export function parseAddressOrHost(entry: string): AddressMatcher {
  const matcher = addressOrHost(entry);
  if (matcher === null) throw neither(entry, 'neither an address nor @HOST');
  return matcher;
}

function addressOrHost(entry: string): AddressMatcher | null {
  if (entry.startsWith('@')) {
    const anybody = Address.parse(`<anybody${entry}>`, { utf8: true });
    if (anybody === null) return null;
    const host = anybody.asciiDomain.toLowerCase();
    // A domain beyond ASCII has two spellings, and the client chooses (RFC 6531 section 3.2).
    return { entry, matches: (address) => address.asciiDomain.toLowerCase() === host };
  }
  const listed = Address.parse(`<${entry}>`, { utf8: true });
  if (listed === null || listed.domain === '') return null;
  const { key } = listed;
  return { entry, matches: (address) => address.key === key };
}

function pattern(entry: string, ignoreCase: boolean): AddressMatcher {
  if (!PATTERN_CHARACTER.test(entry)) throw neither(entry, 'neither an address, nor @HOST, nor a pattern');
  const compiled = compilePattern(BETWEEN_SLASHES.exec(entry)?.[1] ?? entry, { ignoreCase });
  return { entry, matches: (address) => compiled.test(address.key) };
}

function neither(entry: string, what: string): Error {
  return new Error(entry.includes('@') ? `"${entry}" is ${what}` : `no @ sign in "${entry}"`);
}
