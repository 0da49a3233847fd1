// What config/tls_protocols and config/tls_ciphers say, as Node's TLS wants to hear it. The first is written in the
// words of Perl's IO::Socket::SSL: `SSLv23:!SSLv2:!SSLv3:!TLSv1`, `TLSv1_2`, `TLSv1.2:TLSv1.3`.

import { createSecureContext, type SecureVersion } from 'node:tls';

export interface ProtocolRange {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
}

const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
// What "all of them" means: the older two are broken, and have to be asked for by name (RFC 8996).
const USUAL: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const WORD = /^(!?)(?:(SSLv2\/?3|SSLv2|SSLv3)|TLSv1(?:[._]([0-3]))?)$/i;

export const defaultProtocols: ProtocolRange = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' };
export const defaultCiphers = 'HIGH:!aNULL:!eNULL:!3DES:!RC4:!MD5:!PSK:!SRP:!DSS:!CAMELLIA:!ARIA:!AESCCM';

/** @throws Error with a sentence for the operator */
export function parseProtocols(text: string): ProtocolRange {
  const asked = new Set<SecureVersion>();
  const excluded = new Set<SecureVersion>();
  for (const word of text.split(/[:\s]+/).filter((part) => part !== '')) {
    const { not, named } = readWord(word);
    for (const version of named) (not ? excluded : asked).add(version);
  }
  const from = asked.size > 0 ? asked : new Set(USUAL);
  const left = versions.filter((version) => from.has(version) && !excluded.has(version));
  const [minVersion] = left;
  const maxVersion = left.at(-1);
  if (minVersion === undefined || maxVersion === undefined) {
    throw new Error(`"${text}" leaves no version of TLS`);
  }
  if (versions.indexOf(maxVersion) - versions.indexOf(minVersion) >= left.length) {
    throw new Error(`"${text}" leaves out a version between ${minVersion} and ${maxVersion}`);
  }
  return { minVersion, maxVersion };
}

function readWord(word: string): { not: boolean; named: readonly SecureVersion[] } {
  const [, bang, ssl, minor] = WORD.exec(word) ?? [];
  if (bang === undefined) {
    throw new Error(
      `"${word}" is no version of TLS; there are TLSv1.2, TLSv1.3, and SSLv23 for both of them`,
    );
  }
  const not = bang === '!';
  if (ssl === undefined) return { not, named: versions.slice(Number(minor ?? 0), Number(minor ?? 0) + 1) };
  if (/23|2\/3/.test(ssl)) return { not, named: not ? versions : USUAL };
  // They are out anyway.
  if (not) return { not, named: [] };
  throw new Error(`${ssl} cannot be had any more; the oldest that can is TLSv1`);
}

/** Whether there are versions for which OpenSSL has to lower its guard. */
export function isOutdated({ minVersion }: ProtocolRange): boolean {
  return !USUAL.includes(minVersion);
}

/** @throws Error with a sentence for the operator */
export function parseCiphers(text: string): string {
  try {
    createSecureContext({ ciphers: text, ca: [] });
  } catch {
    throw new Error(`"${text}" names no cipher that OpenSSL has: see the manual page ciphers(1) of OpenSSL`);
  }
  return text;
}

/** The list for these versions. Below TLS 1.2 signatures are made with SHA-1, which OpenSSL does at level 0 only. */
export function ciphersFor(text: string, range: ProtocolRange): string {
  if (!isOutdated(range) || text.includes('@SECLEVEL')) return text;
  return `${text}:!aNULL:!eNULL:@SECLEVEL=0`;
}
