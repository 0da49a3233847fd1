// Characters beyond ASCII in addresses, RFC 6531 section 3.3. Letters, marks, digits, punctuation and symbols of all
// scripts are taken. Controls, spaces, marks of direction, private and unassigned characters are not: they are what
// forged names are made of.

import { isAscii } from './esmtp-utf8.ts';

/** One character of a local part, for a regular expression with the flag u. */
export const UTF8_CHARACTER = '(?:(?![\\x00-\\x7f])[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\u200c\\u200d])';

// RFC 5892 appendix A: the marks that IDNA allows beside letters, marks and digits.
const LABEL_CHARACTER =
  '(?:(?![\\x00-\\x7f])[\\p{L}\\p{M}\\p{N}\\u00b7\\u0375\\u05f3\\u05f4\\u30fb\\u200c\\u200d])';
const LABEL = new RegExp(`^(?:[A-Za-z0-9_-]|${LABEL_CHARACTER})+$`, 'u');
const LONGEST_LABEL = 63;

/** A domain with its labels beyond ASCII as `xn--…` (RFC 5890); null where the rules of IDNA do not allow one. */
export function toAsciiDomain(domain: string): string | null {
  if (isAscii(domain)) return domain;
  const labels = domain.split('.');
  // Nothing that could be another part of a URL may get into one.
  if (!labels.every((label) => LABEL.test(label))) return null;
  const host = URL.parse(`http://${domain}`)?.hostname;
  if (host === undefined) return null;
  const ascii = host.split('.');
  const isFaithful =
    ascii.length === labels.length && ascii.every((label, at) => isFormOf(label, labels[at]));
  return isFaithful ? host : null;
}

// What turns into plain letters, such as those of full width, only looks like a name of its own.
function isFormOf(ascii: string, label = ''): boolean {
  return ascii.length <= LONGEST_LABEL && (isAscii(label) || ascii.startsWith('xn--'));
}
