// A certificate with its key, as the context of handshakes. The files are looked at again when the context is used, at
// most once a second. What is no good is said once, and the context that was made before stays in use: certificate and
// key are replaced one after the other, and a handshake must not fail because it comes in between.

import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock, Logger, TlsSettings } from 'qpsmtpd';
import { examine as examineFile, isOpenToAll, readTlsFile } from './_tls-files.ts';
import { readCertificate, readPrivateKey, reasonOf } from './_tls-pem.ts';
import type { ProtocolRange } from './_tls-protocols.ts';

const LOOK_AGAIN_AFTER = 1000;
// A file that was changed this short a time ago may change again without a new time.
const SETTLED_AFTER = 2000;
const DAY_MS = 86_400_000;
const EXPIRES_SOON = 14 * DAY_MS;

/** What all contexts of a plugin line have in common. */
export interface ContextMeans {
  readonly protocols: ProtocolRange;
  readonly ciphers: string;
  readonly ca: string | null;
  readonly dhparam: string | null;
  readonly clientCertificates: TlsSettings['clientCertificates'];
  /** for tickets, see Host */
  tlsTicketKeys(): Buffer;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface PairFiles {
  /** PEM, the certificates of its issuers behind it */
  readonly cert: string;
  /** PEM; may be the same file */
  readonly key: string;
}

interface Contents {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | null;
  readonly dhparam: Buffer | null;
}

interface Made {
  readonly context: SecureContext;
  readonly contents: Contents;
  readonly ticketKeys: Buffer;
  readonly expires: Date;
}

export class WatchedContext {
  readonly files: PairFiles;
  readonly #means: ContextMeans;
  readonly #examine: typeof examineFile;
  #made: Made | null = null;
  #stamps = '';
  #isSettled = false;
  #complaint = '';
  #checkedAt = -Infinity;
  #warnedAt = -Infinity;

  /** @param examine how a file is looked at, where a test wants it otherwise */
  constructor(files: PairFiles, means: ContextMeans, examine = examineFile) {
    this.files = files;
    this.#means = means;
    this.#examine = examine;
  }

  /** Makes the context for the first time. @throws Error with a sentence for the operator */
  load(): void {
    this.#checkedAt = this.#means.clock.monotonic();
    this.#refresh(this.#look());
    this.#warnOfExpiry();
  }

  /** Null while there has not been a good one yet. */
  get current(): SecureContext | null {
    const now = this.#means.clock.monotonic();
    if (now - this.#checkedAt >= LOOK_AGAIN_AFTER) {
      this.#checkedAt = now;
      this.#check();
      this.#warnOfExpiry();
    }
    return this.#made?.context ?? null;
  }

  #check(): void {
    const seen = this.#look();
    const isSame = seen.stamps === this.#stamps && this.#made?.ticketKeys === this.#means.tlsTicketKeys();
    if (isSame && this.#isSettled) return;
    try {
      this.#refresh(seen);
      this.#complaint = '';
    } catch (error) {
      // What is half written now may be whole in a second, and look the same.
      this.#isSettled = false;
      const why = error instanceof Error ? error.message : String(error);
      const complaint = `${seen.stamps} ${why}`;
      if (complaint === this.#complaint) return;
      this.#complaint = complaint;
      const rest =
        this.#made === null ? 'it is not used' : 'the certificate that was there before stays in use';
      this.#means.log.error(`error, ${why}; ${rest}`);
    }
  }

  #look(): { stamps: string; isSettled: boolean } {
    const { ca, dhparam, clock } = this.#means;
    const paths = [this.files.cert, this.files.key, ca, dhparam].filter((path) => path !== null);
    const all = paths.map((path) => this.#examine(path));
    const changedAt = Math.max(...all.map((one) => one.changedAt));
    const isSettled = clock.now().getTime() - changedAt > SETTLED_AFTER;
    return { stamps: all.map(({ stamp }) => stamp).join(' '), isSettled };
  }

  #refresh({ stamps, isSettled }: { stamps: string; isSettled: boolean }): void {
    const { ca, dhparam } = this.#means;
    const contents = {
      cert: readTlsFile(this.files.cert),
      key: readTlsFile(this.files.key),
      ca: ca === null ? null : readTlsFile(ca),
      dhparam: dhparam === null ? null : readTlsFile(dhparam),
    };
    const keys = this.#means.tlsTicketKeys();
    const made = this.#made;
    if (made === null || made.ticketKeys !== keys || !isSameContent(made.contents, contents)) {
      this.#made = this.#make(contents, keys);
      if (made !== null && !made.contents.cert.equals(contents.cert)) {
        this.#means.log.notice(`${this.files.cert} has changed and is in use`);
        this.#warnedAt = -Infinity;
      }
    }
    this.#stamps = stamps;
    this.#isSettled = isSettled;
  }

  #make(contents: Contents, ticketKeys: Buffer): Made {
    const { log } = this.#means;
    const { cert, key } = this.files;
    const certificate = readCertificate(cert, contents.cert);
    const privateKey = readPrivateKey(key, contents.key);
    if (!certificate.checkPrivateKey(privateKey)) {
      const order = cert === key ? '' : ', or the certificate is not the first one of its file';
      throw new Error(`the certificate in ${cert} and the key in ${key} do not belong together${order}`);
    }
    // Node passes over what is no PEM in these two.
    const { ca, dhparam } = this.#means;
    if (ca !== null && contents.ca !== null) readCertificate(ca, contents.ca);
    if (contents.dhparam?.includes('DH PARAMETERS-----') === false) {
      throw new Error(`${dhparam} holds no Diffie-Hellman parameters (PEM)`);
    }
    const context = this.#context(contents, ticketKeys);
    if (isOpenToAll(key)) log.warn(`every user of this host can read the private key ${key}: chmod o-r it`);
    return { context, contents, ticketKeys, expires: certificate.validToDate };
  }

  #context({ cert, key, ca, dhparam }: Contents, ticketKeys: Buffer): SecureContext {
    const { protocols, ciphers } = this.#means;
    try {
      return createSecureContext({
        ...protocols,
        ciphers,
        honorCipherOrder: true,
        cert,
        key,
        // An empty list is quicker than none: then Node loads those of the world's web servers.
        ca: ca === null ? [] : [ca],
        ...(dhparam !== null && { dhparam }),
        ticketKeys,
        sessionIdContext: this.#demands(ca),
      });
    } catch (error) {
      throw new Error(`${this.files.cert}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /**
   * What a handshake demands, as the word by which OpenSSL knows the sessions that it may resume: one that was made
   * when less was demanded is not, in another worker or after a reload either. The client does a whole handshake then.
   */
  #demands(ca: Buffer | null): string {
    const { protocols, ciphers, clientCertificates } = this.#means;
    const authorities = clientCertificates === 'none' ? null : (ca?.toString('base64') ?? null);
    const all = JSON.stringify([protocols, ciphers, clientCertificates, authorities]);
    return createHash('sha256').update(all).digest('hex').slice(0, 32);
  }

  /** Said when it is loaded, and once a day. */
  #warnOfExpiry(): void {
    if (this.#made === null) return;
    const now = this.#means.clock.now().getTime();
    const left = this.#made.expires.getTime() - now;
    if (left > EXPIRES_SOON || now - this.#warnedAt < DAY_MS) return;
    this.#warnedAt = now;
    const day = this.#made.expires.toISOString().slice(0, 10);
    this.#means.log.warn(
      `the certificate in ${this.files.cert} ${left < 0 ? 'has expired on' : 'expires on'} ${day}`,
    );
  }
}

function isSameContent(one: Contents, other: Contents): boolean {
  return (['cert', 'key', 'ca', 'dhparam'] as const).every((part) => {
    const [a, b] = [one[part], other[part]];
    return a === null || b === null ? a === b : a.equals(b);
  });
}
