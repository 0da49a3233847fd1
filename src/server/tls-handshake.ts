// The server's side of a TLS handshake over a socket that is connected, for STARTTLS (RFC 3207) and for TLS from the
// first octet on (RFC 8314). Ends in facts, or in one short reason and a destroyed socket.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TlsFacts, TlsSettings } from '../contract/tls.ts';
import type { Deadlines } from '../engine/deadlines.ts';
import { printable } from '../protocol/reply.ts';
import { SocketTlsFacts } from './tls-facts.ts';

/**
 * The TLS end over a socket. What was read of the socket already is the beginning of the handshake: it must have been
 * put back, and nobody may listen for more.
 */
export function tlsOver(socket: Socket, settings: TlsSettings): TLSSocket {
  const { contextFor } = settings;
  const tls = new TLSSocket(socket, {
    isServer: true,
    secureContext: settings.context,
    requestCert: settings.clientCertificates !== 'none',
    rejectUnauthorized: settings.clientCertificates === 'require',
    ...(contextFor !== null && { SNICallback: (name, done) => done(null, contextFor(name) ?? undefined) }),
  });
  tls.disableRenegotiation();
  return tls;
}

/** Waits for the handshake. @throws Error with a reason for the log; the socket is then destroyed */
export function handshake(socket: TLSSocket, settings: TlsSettings, deadlines: Deadlines): Promise<TlsFacts> {
  return new Promise((resolve, reject) => {
    const late = `took longer than ${settings.timeoutMs / 1000} s`;
    const deadline = deadlines.set(settings.timeoutMs, () => fail(late));
    const onError = (error: Error) => fail(reasonOf(error));
    const onEnd = () => fail('the client left');
    const settle = () => {
      deadlines.cancel(deadline);
      socket.off('secure', onSecure).off('error', onError).off('_tlsError', onError);
      socket.off('end', onEnd).off('close', onEnd);
    };
    const fail = (why: string) => {
      settle();
      socket.destroy();
      reject(new Error(why));
    };
    const onSecure = () => {
      const facts = new SocketTlsFacts(socket, settings.clientCertificates !== 'none');
      const problem = settings.clientCertificates === 'require' ? lackOfCertificate(facts) : null;
      if (problem !== null) return fail(problem);
      settle();
      // This runs below OpenSSL's SSL_read, and so would all that waits for the promise: Node crashes when a socket
      // is destroyed there.
      setImmediate(resolve, facts);
    };
    socket.on('secure', onSecure).on('error', onError).on('_tlsError', onError);
    socket.on('end', onEnd).on('close', onEnd);
  });
}

// OpenSSL refuses a client that shows none in a new handshake, but goes on with one that cannot be verified, or that
// resumes a session in which it has shown none.
function lackOfCertificate({ clientCertificate }: TlsFacts): string | null {
  if (clientCertificate === null) return 'the client has shown no certificate';
  const { problem, subject } = clientCertificate;
  return problem === null ? null : `the certificate of the client (${subject}) is not good: ${problem}`;
}

/** OpenSSL's own words, without its numbers and function names. */
function reasonOf(error: Error & { readonly code?: unknown; readonly reason?: unknown }): string {
  if (typeof error.reason === 'string') return printable(error.reason);
  const { code } = error;
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'the client left' : printable(error.message);
}
