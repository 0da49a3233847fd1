// What comes in place of TLS records: mutated handshakes on a port that begins with TLS and behind STARTTLS, and
// forged records behind a handshake that was good.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { heard, LoopbackServer, sendAll } from './support/loopback-server.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const ways = ['at once', 'behind STARTTLS', 'together with STARTTLS', 'behind a handshake'] as const;
type Way = (typeof ways)[number];

/** Begins of records and of messages of the handshake, extensions of a hello, lengths that are not true. */
const tokens = [
  '\x16\x03\x01',
  '\x16\x03\x03\0\x04\x01\0\0\0',
  '\x16\x03\x03\0\0',
  '\x14\x03\x03\0\x01\x01',
  '\x15\x03\x03\0\x02\x02\x28',
  '\x17\x03\x03\0\x20',
  '\x17\x03\x03\x40\x01',
  '\x17\x03\x03\0\0',
  '\x18\x03\x03\0\x03\x01\x40\0',
  '\x80\x2e\x01\0\x02',
  '\x01\0\x02\0\x01\0\x01\xfc\x03\x03',
  '\0\x2b\0\x03\x02\x03\x04',
  '\0\x0a\0\x04\0\x02\0\x17',
  '\0\x33\0\x02\0\0',
  '\0\0',
  '\xff\xff',
  'EHLO c\r\n',
];

export const tlsTarget: Target = {
  name: 'tls',
  promise: 'whatever stands in place of TLS records, the connection is closed and nothing of it is left',
  async open() {
    // Their random octets differ from run to run: a case is found again by what was kept of it.
    const hellos = [
      await clientHello({ servername: 'mx.example' }),
      await clientHello({ maxVersion: 'TLSv1.2' }),
      await clientHello({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    ];
    const mutator = new Mutator(hellos, tokens);
    const server = await LoopbackServer.open();
    return {
      /** The first octet says where the others go. */
      make: (random) => Buffer.concat([Buffer.from([random.below(ways.length)]), mutator.make(random)]),
      run(input) {
        const way = ways[(input[0] ?? 0) % ways.length] ?? 'at once';
        const port = way === 'at once' || way === 'behind a handshake' ? 'tls' : 'clear';
        return server.serve(port, (socket) => attack(socket, way, input.subarray(1)));
      },
      close: () => server.close(),
    };
  },
};

async function attack(socket: Socket, way: Way, octets: Buffer): Promise<void> {
  if (way === 'behind a handshake') {
    const secure = connect({ socket, rejectUnauthorized: false });
    secure.on('error', () => {});
    await heard(secure, '220 ');
    // What follows goes past the client's own TLS, onto the wire.
  } else {
    socket.resume();
    if (way !== 'at once') socket.write('EHLO c\r\nSTARTTLS\r\n');
    if (way === 'behind STARTTLS') await heard(socket, 'go ahead');
  }
  sendAll(socket, octets);
}

/** The first octets of a good client. */
async function clientHello(options: ConnectionOptions): Promise<Buffer> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = connect({ port: address.port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const [socket]: Socket[] = await once(listener, 'connection');
  assert.ok(socket !== undefined);
  const [hello]: Buffer[] = await once(socket, 'data');
  socket.destroy();
  client.destroy();
  listener.close();
  assert.ok(hello !== undefined && hello[0] === 0x16);
  return hello;
}
