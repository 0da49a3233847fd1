// The first octets of connections from a trusted proxy, on sockets: PROXY headers, good and bad, with what the client
// says right behind.

import { proxySeeds, proxyTokens } from './proxy.ts';
import { LoopbackServer, sendAll } from './support/loopback-server.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const behind = ['EHLO c\r\nMAIL FROM:<>\r\n', '\x16\x03\x01\0\x05\x01\0\0\x01\x03', 'QUIT\r\n', ''];

export const proxyWireTarget: Target = {
  name: 'proxy-wire',
  promise: 'whatever a proxy begins with, the connection is closed and nothing of it is left',
  async open() {
    const seeds = proxySeeds.flatMap((header) => behind.map((rest) => header + rest));
    const mutator = new Mutator(seeds, [...proxyTokens, ...behind]);
    const server = await LoopbackServer.open({ proxy_networks: ['127.0.0.0/8'] });
    return {
      /** The first octet says to which port the others go. */
      make: (random) => Buffer.concat([Buffer.from([random.below(2)]), mutator.make(random)]),
      run: (input) =>
        server.serve(input[0] === 1 ? 'tls' : 'clear', (socket) => {
          socket.resume();
          sendAll(socket, input.subarray(1));
        }),
      close: () => server.close(),
    };
  },
};
