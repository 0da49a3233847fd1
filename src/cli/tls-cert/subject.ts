// Whom a certificate is for: the distinguished name and the host names, read from the command line. Lengths and
// character sets are those of RFC 5280, appendix A, for a CA would refuse what breaks them. All else is data: a comma,
// a quote or a line feed in a value ends nothing.

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { UsageError } from '../arguments.ts';

export const subjectFields = ['C', 'ST', 'L', 'O', 'OU', 'CN', 'email'] as const;
export type SubjectField = (typeof subjectFields)[number];

/** In the order in which they stand in a certificate; none is empty. */
export type Subject = readonly (readonly [field: SubjectField, value: string])[];

export interface HostNames {
  /** ASCII, as the DNS has them; the first label may be `*` */
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}

const longest: Readonly<Record<SubjectField, number>> = {
  C: 2,
  ST: 128,
  L: 128,
  O: 64,
  OU: 64,
  CN: 64,
  email: 255,
};

/** @param given what the option of a field says. @throws UsageError */
export function readSubject(given: (field: SubjectField) => string | undefined): Subject {
  return subjectFields.flatMap((field) => {
    const value = given(field);
    if (value === undefined || value === '') return [];
    checkField(field, value);
    return [[field, value] as const];
  });
}

function checkField(field: SubjectField, value: string): void {
  if (field === 'C' && !/^[A-Z]{2}$/.test(value)) {
    throw new UsageError(`--C ${value}: two capital letters are needed, as in DE`);
  }
  if (field === 'email' && !/^[!-?A-~]+@[!-?A-~]+$/.test(value)) {
    throw new UsageError(`--email ${value}: an address in ASCII is needed`);
  }
  const length = [...value].length;
  if (length > longest[field]) {
    throw new UsageError(`--${field} has ${length} characters, and ${longest[field]} are the most`);
  }
}

/**
 * The names that clients compare with the one they connect to; they no longer look at the CN (RFC 9525).
 * @param commonName is among them when it can be the name of a host
 * @throws UsageError
 */
export function readNames(commonName: string, more: readonly string[]): HostNames {
  const names = { dns: new Set<string>(), ip: new Set<string>() };
  for (const [at, text] of [commonName, ...more].entries()) {
    const bare = text.replace(/^\[(.*)\]$/, '$1');
    // With a zone, as in fe80::1%eth0, it is an address of one machine only.
    const isAddress = isIP(bare) !== 0 && !bare.includes('%');
    const host = isAddress ? null : hostOf(text);
    if (isAddress) names.ip.add(bare.toLowerCase());
    else if (host !== null) names.dns.add(host);
    else if (at > 0) throw new UsageError(`--name ${text}: that is no host name and no IP address`);
  }
  if (names.dns.size + names.ip.size === 0) {
    throw new UsageError('--CN is no host name: give the name that clients connect to with --name');
  }
  return { dns: [...names.dns], ip: [...names.ip] };
}

/** As the DNS has it, or null. */
function hostOf(text: string): string | null {
  const [, star = '', rest = ''] = /^(\*\.)?(.*)$/s.exec(text.replace(/\.$/, '')) ?? [];
  // domainToASCII takes out line feeds, decodes per cents, and reads numbers as an IP address.
  if (!/^[\w\x80-\u{10ffff}.-]*$/u.test(rest)) return null;
  const host = /^[\x00-\x7f]*$/.test(rest) ? rest.toLowerCase() : domainToASCII(rest);
  const labels = host.split('.');
  const isGood = labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/.test(label));
  return isGood && host.length <= 253 && !/^\d+$/.test(labels.at(-1) ?? '') ? star + host : null;
}
