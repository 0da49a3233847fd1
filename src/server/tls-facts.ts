// What is known of a TLS connection, asked of its socket. What costs and few want is made when it is asked for:
// channel bindings for SCRAM-SHA-256-PLUS (RFC 5929, RFC 9266), and whom the client's certificate names.

import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ChannelBinding, ClientCertificate, TlsFacts } from '../contract/tls.ts';
import { printable } from '../protocol/reply.ts';

const LONGEST_NAME = 255;
// RFC 9266 section 4.2.
const EXPORTER_LABEL = 'EXPORTER-Channel-Binding';
const EXPORTER_OCTETS = 32;

export class SocketTlsFacts implements TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly serverName: string | null;
  readonly isResumed: boolean;
  readonly clientCertificate: ClientCertificate | null;
  readonly #socket: TLSSocket;

  /** @param socket its handshake is done. @param hasAskedForCertificate whether the client was asked for one */
  constructor(socket: TLSSocket, hasAskedForCertificate: boolean) {
    this.#socket = socket;
    this.protocol = socket.getProtocol() ?? '';
    this.cipher = socket.getCipher().standardName;
    this.serverName = hostName(socket);
    this.isResumed = socket.isSessionReused();
    this.clientCertificate = hasAskedForCertificate ? clientCertificate(socket) : null;
  }

  channelBinding(type: ChannelBinding): Buffer | null {
    if (this.#socket.destroyed) return null;
    if (type === 'tls-exporter') return this.#exporter();
    return type === 'tls-unique' ? this.#unique() : this.#endPoint();
  }

  // For TLS 1.2 the two ends must have agreed on the extended master secret (RFC 7627), which Node does not tell.
  #exporter(): Buffer | null {
    if (this.protocol !== 'TLSv1.3') return null;
    return this.#socket.exportKeyingMaterial(EXPORTER_OCTETS, EXPORTER_LABEL, Buffer.alloc(0));
  }

  // The first Finished message of the handshake: the client's, or the server's where a session is resumed.
  #unique(): Buffer | null {
    if (this.protocol === 'TLSv1.3') return null;
    const first = this.isResumed ? this.#socket.getFinished() : this.#socket.getPeerFinished();
    return first ?? null;
  }

  #endPoint(): Buffer | null {
    const certificate = this.#socket.getX509Certificate();
    if (certificate === undefined) return null;
    const algorithm = endPointHash(certificate.signatureAlgorithm ?? '');
    return algorithm === null ? null : createHash(algorithm).update(certificate.raw).digest();
  }
}

/**
 * The hash that RFC 5929 section 4.1 wants for a certificate with this signature; null where it defines none, as for
 * signatures that hash in a way of their own.
 */
export function endPointHash(signatureAlgorithm: string): string | null {
  const [, digits] = /(?:md|sha-?)(\d{1,3})/i.exec(signatureAlgorithm) ?? [];
  if (digits === undefined) return null;
  // MD5 and SHA-1 are replaced.
  return digits === '224' || digits === '384' || digits === '512' ? `sha${digits}` : 'sha256';
}

/** The name of SNI. What could not be the name of a host counts as none: it comes from a stranger. */
function hostName({ servername }: { readonly servername?: unknown }): string | null {
  if (typeof servername !== 'string' || servername.length > LONGEST_NAME) return null;
  return /^[a-z0-9._-]+$/i.test(servername) ? servername.toLowerCase() : null;
}

function clientCertificate(socket: TLSSocket): ClientCertificate | null {
  // Node says "verified" of a client without a certificate, so this comes first.
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  return {
    subject: plainName(certificate.subject),
    issuer: plainName(certificate.issuer),
    fingerprint: certificate.fingerprint256.toLowerCase(),
    problem: verifyProblem(socket),
  };
}

/** Node has one field a line. */
function plainName(name: X509Certificate['subject'] | undefined): string {
  return printable((name ?? '').trim().replaceAll('\n', ', ')).slice(0, LONGEST_NAME);
}

// A TLSSocket that no tls.Server has made leaves `authorized` to its owner, and the answer of OpenSSL can be had from
// its handle only. Should Node take that away, no certificate counts as verified.
function verifyProblem(socket: TLSSocket): string | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  const ask: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'verifyError') : null;
  if (typeof ask !== 'function') return 'it could not be verified';
  const error: unknown = Reflect.apply(ask, handle, []);
  if (error === null || error === undefined) return null;
  return error instanceof Error ? printable(error.message) : 'it could not be verified';
}
