// The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): the client proves that it knows the
// password, the server that it holds its secret, and with -PLUS both that they share one TLS connection.

import { timingSafeEqual } from 'node:crypto';
import { readSaslName } from './auth-bearer.ts';
import { type Exchange, malformed, NO_CHALLENGE, refused, type Unusable } from './auth-exchange.ts';
import { saslPrep } from './auth-saslprep.ts';
import { decodeBase64, decodeUtf8, isCredential } from './auth-text.ts';
import { hmac, type ScramSecret, sha256 } from './scram-secret.ts';

export interface ScramTerms {
  /** the mechanism is SCRAM-SHA-256-PLUS */
  readonly plus: boolean;
  /** the client has been offered it */
  readonly plusOffered: boolean;
  /** data that binds to this TLS connection, by the name of its kind; null where there is none */
  binding(kind: string): Buffer | null;
}

/** What the client has said first. */
export interface ScramFirst {
  readonly user: string;
  readonly nonce: string;
  /** the message behind its header */
  readonly bare: string;
  /** what the client has to repeat of header and channel binding */
  readonly bound: Buffer;
}

export interface ScramResult {
  readonly proven: boolean;
}

const FIRST =
  /^((n|y|p=([A-Za-z0-9.-]+)),(?:a=([^,]*))?,)((m=[^,]*,)?n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]*)*)$/s;
const FINAL = /^(c=([^,]+),r=([^,]+)(?:,[A-Za-z]=[^,]*)*),p=([^,]+)$/s;
// So long that the server's answer, which repeats it, still fits into one reply line.
const LONGEST_NONCE = 256;

/** The first message of the client. */
export function* scramFirst(initial: Buffer | null, terms: ScramTerms): Exchange<ScramFirst | Unusable> {
  const message = decodeUtf8(initial ?? (yield NO_CHALLENGE));
  if (message === null) return refused('not UTF-8');
  const [, header, flag, kind, authzid, bare, extension, name, nonce] = FIRST.exec(message) ?? [];
  if (header === undefined || flag === undefined || bare === undefined)
    return malformed('not a first message of SCRAM');
  if (nonce === undefined || nonce.length > LONGEST_NONCE) return malformed('the nonce is too long');
  if (extension !== undefined) return refused('wants an extension that nobody knows');
  const user = readName(name ?? '');
  if (user === null || !isCredential(user)) return refused('the name is empty or holds what no name may');
  if (authzid !== undefined && readName(authzid) !== user)
    return refused('wants to act for another user', user);
  const bound = boundData(header, flag, kind, terms);
  return Buffer.isBuffer(bound) ? { user, nonce, bare, bound } : { ...bound, user };
}

/** RFC 5802 section 6: which combinations of flag and mechanism are an attack, or nonsense. */
function boundData(
  header: string,
  flag: string,
  kind: string | undefined,
  { plus, plusOffered, binding }: ScramTerms,
): Buffer | Unusable {
  if (kind === undefined) {
    if (plus) return refused('no channel binding where the mechanism asks for it');
    // It could bind and believes that we cannot: somebody has taken our offer of -PLUS out of the EHLO reply.
    if (flag === 'y' && plusOffered)
      return refused('the offer of channel binding has been taken away on the way');
    return Buffer.from(header);
  }
  if (!plus) return refused('channel binding where the mechanism has none');
  const bindingData = binding(kind);
  if (bindingData === null) return refused('a kind of channel binding that cannot be had here');
  return Buffer.concat([Buffer.from(header), bindingData]);
}

function readName(text: string): string | null {
  const name = readSaslName(text);
  return name === null ? null : saslPrep(name);
}

/**
 * What follows: the server's challenge, the client's proof, and the server's own.
 *
 * @param secret of the user, or one that is made up so that nobody learns which users there are
 * @param serverNonce printable and without commas, never the same twice
 */
export function* scramProof(
  first: ScramFirst,
  secret: ScramSecret,
  serverNonce: string,
): Exchange<ScramResult | Unusable> {
  const nonce = first.nonce + serverNonce;
  const serverFirst = `r=${nonce},s=${secret.salt.toString('base64')},i=${secret.iterations}`;
  const final = readFinal(yield Buffer.from(serverFirst));
  if (final === null) return malformed('not a final message of SCRAM');
  const isSame = final.bound.equals(first.bound) && final.nonce === nonce;
  if (!isSame) return refused('channel binding or nonce differ', first.user);
  const spoken = `${first.bare},${serverFirst},${final.withoutProof}`;
  if (!isProof(final.proof, secret.storedKey, spoken)) return { proven: false };
  // RFC 4954 section 4: 235 carries nothing, so this goes as a challenge, which the client answers with nothing.
  const last = yield Buffer.from(`v=${hmac(secret.serverKey, spoken).toString('base64')}`);
  return last.length === 0 ? { proven: true } : malformed('more behind the last message of SCRAM');
}

function readFinal(octets: Buffer) {
  const [, withoutProof, binding, nonce, proof] = FINAL.exec(decodeUtf8(octets) ?? '') ?? [];
  const bound = decodeBase64(binding ?? '');
  const proofOctets = decodeBase64(proof ?? '');
  if (withoutProof === undefined || nonce === undefined || bound === null) return null;
  return proofOctets === null ? null : { withoutProof, nonce, bound, proof: proofOctets };
}

function isProof(proof: Buffer, storedKey: Buffer, spoken: string): boolean {
  const signature = hmac(storedKey, spoken);
  if (proof.length !== signature.length) return false;
  const clientKey = Buffer.from(signature.map((octet, at) => octet ^ (proof[at] ?? 0)));
  return timingSafeEqual(sha256(clientKey), storedKey);
}
