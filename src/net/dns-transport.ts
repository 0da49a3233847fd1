// One query to one server and back (RFC 1035 4.2, RFC 7766). Against forged replies (RFC 5452) each UDP query has
// a socket of its own, so the kernel picks a new random port; the socket is connected, so the kernel drops what
// comes from any other address; and what does not carry id and question of the query is ignored.

import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { isTruncated, repliesTo } from './dns-message.ts';
import type { DnsServer } from './dns-server.ts';

export type Delivery =
  | { readonly kind: 'reply'; readonly message: Buffer }
  | { readonly kind: 'failure'; readonly reason: string };

/** Asks over UDP, and over TCP when the reply is cut short. Has no time limit: `signal` ends it. */
export async function deliver(server: DnsServer, query: Buffer, signal: AbortSignal): Promise<Delivery> {
  const delivery = await overUdp(server, query, signal);
  const cut = delivery.kind === 'reply' && isTruncated(delivery.message);
  return cut ? overTcp(server, query, signal) : delivery;
}

function overUdp(server: DnsServer, query: Buffer, signal: AbortSignal): Promise<Delivery> {
  return exchange(signal, (finish) => {
    const type = isIPv6(server.address) ? 'udp6' : 'udp4';
    // Addresses are never names, so nothing is to be looked up.
    const socket = createSocket({ type, lookup: (address, _options, done) => done(null, address, 0) });
    let open = true;
    socket.on('error', (error) => finish(failure(error)));
    socket.on('connect', () => open && socket.send(query));
    socket.on('message', (message) => {
      if (repliesTo(query, message)) finish({ kind: 'reply', message });
    });
    socket.connect(server.port, server.address);
    return () => {
      open = false;
      socket.close();
    };
  });
}

function overTcp(server: DnsServer, query: Buffer, signal: AbortSignal): Promise<Delivery> {
  return exchange(signal, (finish) => {
    const socket = connect({ host: server.address, port: server.port, noDelay: true });
    const chunks: Buffer[] = [];
    let received = 0;
    let due = Number.POSITIVE_INFINITY;
    socket.on('error', (error) => finish(failure(error)));
    socket.on('close', () => finish({ kind: 'failure', reason: 'connection closed' }));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      received += chunk.length;
      if (received < 2) return;
      if (due === Number.POSITIVE_INFINITY) due = 2 + Buffer.concat(chunks).readUInt16BE(0);
      if (received >= due) finish(checked(query, Buffer.concat(chunks).subarray(2, due)));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
    return () => socket.destroy();
  });
}

function checked(query: Buffer, message: Buffer): Delivery {
  if (repliesTo(query, message)) return { kind: 'reply', message };
  return { kind: 'failure', reason: 'reply to another question' };
}

/** Runs one exchange; whatever ends it first (reply, error, abort) closes its socket. */
function exchange(
  signal: AbortSignal,
  begin: (finish: (delivery: Delivery) => void) => () => void,
): Promise<Delivery> {
  return new Promise((resolve) => {
    let close = () => {};
    let over = false;
    const finish = (delivery: Delivery) => {
      if (over) return;
      over = true;
      signal.removeEventListener('abort', onAbort);
      close();
      resolve(delivery);
    };
    const onAbort = () => finish({ kind: 'failure', reason: 'aborted' });
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    try {
      close = begin(finish);
    } catch (error) {
      finish(failure(error));
    }
  });
}

function failure(error: unknown): Delivery {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return { kind: 'failure', reason: code };
}
