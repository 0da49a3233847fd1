// What an operator should know of the certificates that the plugin tls shows, beyond what keeps it from starting: told by
// check-config. Who verifies, verifies names, dates and the chain (RFC 8461 section 4.2, RFC 5280 section 6).

import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import type { Checkup } from 'qpsmtpd';
import type { PairFiles } from './_tls-context.ts';
import { readTlsFile } from './_tls-files.ts';
import { type FileHost, filesOf } from './_tls-settings.ts';

const DAY_MS = 86_400_000;
const SOON_MS = 30 * DAY_MS;
const LEAST_RSA_BITS = 2048;
const PEM =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** What a certificate should be good for. */
export interface Wanted {
  readonly name: string;
  /** of the name, as the end of a sentence */
  readonly origin: string;
}

type Roots = () => readonly X509Certificate[];

/** @throws Error with a sentence for the operator */
export function checkTls(host: FileHost, checkup: Checkup): void {
  const { main, byName, others } = filesOf(host);
  for (const file of others) checkup.reads(file);
  checkPair(main, { name: checkup.me, origin: 'as config/me has it' }, checkup);
  for (const [name, pair] of byName) {
    checkPair(pair, { name, origin: 'as the name of its file has it' }, checkup);
  }
}

/** @param roots authorities that clients may know */
export function checkPair(
  { cert, key }: PairFiles,
  wanted: Wanted,
  checkup: Checkup,
  roots: Roots = knownRoots,
): void {
  if (cert !== key) checkup.reads(cert);
  checkup.readsSecret(key);
  const chain = certificatesIn(cert);
  const [own] = chain;
  if (own === undefined) return;
  checkName(own, wanted, cert, checkup);
  for (const [at, one] of chain.entries()) {
    const what = at === 0 ? `the certificate in ${cert}` : `certificate ${at + 1} in ${cert}`;
    checkDates(one, what, checkup);
    checkKey(one, what, checkup);
  }
  checkChain(chain, cert, checkup, roots);
}

/** All certificates of a file, which has been read without complaint before. @throws Error */
function certificatesIn(file: string): X509Certificate[] {
  return (readTlsFile(file).toString('latin1').match(PEM) ?? []).map((pem) => new X509Certificate(pem));
}

function checkName(own: X509Certificate, { name, origin }: Wanted, file: string, checkup: Checkup): void {
  // Nobody asks for an address, and a wildcard covers the names below its domain.
  if (name.startsWith('[')) return;
  if (own.checkHost(name.replace(/^\*\./, 'any.')) !== undefined) return;
  const names = (own.subjectAltName ?? own.subject).replaceAll('DNS:', '').replaceAll('\n', ', ');
  checkup.warn(
    `the certificate in ${file} is for ${names}, not for ${name}, ${origin}`,
    'servers that verify want the name that the MX record has',
  );
}

function checkDates(one: X509Certificate, what: string, checkup: Checkup): void {
  const now = checkup.now.getTime();
  const [from, to] = [one.validFromDate, one.validToDate];
  if (to.getTime() <= now) checkup.error(`${what} has expired on ${dayOf(to)}`, 'renew it');
  else if (from.getTime() > now) {
    checkup.error(`${what} is not valid before ${from.toISOString()}`, 'is the clock of this host right?');
  } else if (to.getTime() - now < SOON_MS) {
    const days = Math.floor((to.getTime() - now) / DAY_MS);
    checkup.warn(`${what} expires on ${dayOf(to)}, in ${days} days`, 'renew it');
  }
}

function checkKey({ publicKey }: X509Certificate, what: string, checkup: Checkup): void {
  const { modulusLength = LEAST_RSA_BITS } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType !== 'rsa' || modulusLength >= LEAST_RSA_BITS) return;
  checkup.warn(
    `${what} has an RSA key of ${modulusLength} bits`,
    `${LEAST_RSA_BITS} are the least that is safe`,
  );
}

/** Each certificate but a root stands before that of its issuer; the root itself may be missing. */
function checkChain(chain: readonly X509Certificate[], file: string, checkup: Checkup, roots: Roots): void {
  for (const [at, one] of chain.entries()) {
    const next = chain[at + 1];
    if (next === undefined || isIssuedBy(one, next)) continue;
    checkup.warn(
      `certificate ${at + 2} in ${file} (${nameOf(next.subject)}) is not that of the issuer of the one before it (${nameOf(one.issuer)})`,
      "the order is: the server's own, that of its issuer, that of the issuer's issuer",
    );
    return;
  }
  const last = chain.at(-1);
  if (last === undefined || isSelfSigned(last) || roots().some((root) => isIssuedBy(last, root))) return;
  checkup.warn(
    `the certificates in ${file} end at one that was issued by ${nameOf(last.issuer)}, which is neither behind it in the file nor an authority that this host knows`,
    'append the certificates of the issuers, or clients cannot verify it',
  );
}

/** Not a case of isIssuedBy: whoever signs itself alone need not say that it may sign others. */
function isSelfSigned(one: X509Certificate): boolean {
  return one.subject === one.issuer && one.verify(one.publicKey);
}

function isIssuedBy(one: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return one.checkIssued(issuer) && one.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** Those that come with Node, and those of this host. */
function knownRoots(): X509Certificate[] {
  const all = [...getCACertificates('bundled'), ...getCACertificates('system')];
  return all.flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
}

function nameOf(distinguished: string): string {
  return distinguished.replaceAll('\n', ', ');
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
