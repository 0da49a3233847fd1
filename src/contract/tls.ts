// TLS as plugins see it: what a server needs for a handshake, and what is known of one that has succeeded.

import type { SecureContext } from 'node:tls';

/** RFC 5929 and RFC 9266; what SCRAM-SHA-256-PLUS binds a login to. */
export type ChannelBinding = 'tls-exporter' | 'tls-server-end-point' | 'tls-unique';

export interface ClientCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256 of the certificate, in lower-case hexadecimal digits with colons */
  readonly fingerprint: string;
  /** null when it was verified, else why it was not */
  readonly problem: string | null;
}

export interface TlsFacts {
  /** TLSv1.2 or TLSv1.3 */
  readonly protocol: string;
  readonly cipher: string;
  /** the name that the client asked for (SNI), in lower case; null when it gave none */
  readonly serverName: string | null;
  readonly isResumed: boolean;
  readonly clientCertificate: ClientCertificate | null;
  /** data that only the two ends of this very connection know; null where it cannot be had */
  channelBinding(type: ChannelBinding): Buffer | null;
}

/** How the server side of a handshake is to be done. */
export interface TlsSettings {
  readonly context: SecureContext;
  /** gives the context for a name that the client asks for, null for the one above; null: there is no other */
  readonly contextFor: ((serverName: string) => SecureContext | null) | null;
  /** `require`: a client without a certificate that can be verified does not get through */
  readonly clientCertificates: 'none' | 'ask' | 'require';
  /** milliseconds for the whole handshake */
  readonly timeoutMs: number;
}
