// A server behind a proxy: listeners of any kind, and PROXY headers.

import type { Stage } from '../../src/cli/transcript/stage.ts';
import type { HookTable } from '../../src/contract/hooks.ts';
import { ConnectionLimits } from '../../src/server/connection-limits.ts';
import type { ListenAddress } from '../../src/server/listen-address.ts';
import { SmtpServer } from '../../src/server/smtp-server.ts';
import { openStage } from '../session/support.ts';
import { cleanUp } from '../support/cleanup.ts';

export interface ServerOptions {
  readonly hooks?: HookTable;
  readonly config?: Readonly<Record<string, readonly string[]>>;
  readonly fromIp?: number;
  /** words of the listener */
  readonly words?: Pick<ListenAddress, 'tls' | 'lmtp' | 'proxy'>;
  /** in place of one with `hooks` and `config` */
  readonly stage?: Stage;
}

/** On a port of loopback; names of clients are their addresses behind `name-of-`. */
export async function serveProxies({
  hooks = {},
  config = {},
  fromIp = 0,
  words = {},
  stage,
}: ServerOptions) {
  const opened = stage ?? (await openStage({ plugins: { actor: hooks }, config }));
  const { engine, spool } = opened;
  const limits = new ConnectionLimits({ connections: 0, fromIp });
  const reverseName = (ip: string) => `name-of-${ip.replaceAll(':', '-')}`;
  const server = new SmtpServer({ engine: () => engine, spool, limits, reverseName });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0, ...words });
  server.open();
  cleanUp(() => server.stop(0));
  return { server, port, limits, stage: opened };
}

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

/** A header of version 2 for TCP over IPv4. @param more extensions */
export function v2Header(remoteIp: string, remotePort: number, more: Buffer = Buffer.alloc(0)): Buffer {
  const addresses = Buffer.from([...remoteIp.split('.').map(Number), 192, 0, 2, 25, 0, 0, 1, 209]);
  addresses.writeUInt16BE(remotePort, 8);
  const head = Buffer.from([0x21, 0x11, 0, 0]);
  head.writeUInt16BE(addresses.length + more.length, 2);
  return Buffer.concat([Buffer.from(SIGNATURE, 'latin1'), head, addresses, more]);
}

/** By which a proxy speaks for itself. */
export const localHeader = Buffer.concat([Buffer.from(SIGNATURE, 'latin1'), Buffer.from([0x20, 0, 0, 0])]);

/** What a proxy says of a client whose TLS has ended there. */
export const tlsExtension = Buffer.concat([
  Buffer.from([0x20, 0, 5 + 10 + 15, 1, 0, 0, 0, 0]),
  Buffer.from([0x21, 0, 7]),
  Buffer.from('TLSv1.3'),
  Buffer.from([0x23, 0, 12]),
  Buffer.from('SOME-CIPHER1'),
]);
