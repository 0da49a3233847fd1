// `qpsmtpd-prefork`: forkserver under the options of the original's program of that name. Its children served one client
// each, so their number is that of clients here.

import { availableParallelism } from 'node:os';
import type { ArgsDef, CommandDef } from 'citty';
import type { Arguments } from './arguments.ts';
import { makeCommand } from './command.ts';
import { forkserver } from './forkserver.ts';
import { listenAddresses } from './listen-flags.ts';
import type { Program } from './program.ts';
import { configArgs } from './shared-args.ts';

const args = {
  ...configArgs,
  listen: {
    type: 'string',
    valueHint: 'ADDR:PORT|PATH[,WORD]',
    description: 'address or unix socket to listen on, as for serve; may be repeated',
  },
  'listen-address': {
    type: 'string',
    valueHint: 'ADDR[:PORT]',
    description: 'address to listen on; may be repeated (Default: all)',
  },
  interface: { type: 'string', valueHint: 'ADDR[:PORT]', description: 'the same as --listen-address' },
  port: { type: 'string', valueHint: 'PORT', description: 'port to listen on (Default: 25)' },
  'max-from-ip': {
    type: 'string',
    valueHint: 'N',
    description: 'most clients at a time from one address, 0 = any number (Default: 100)',
  },
  children: { type: 'string', valueHint: 'N', description: 'most clients at a time (Default: 10000)' },
  workers: {
    type: 'string',
    valueHint: 'N',
    description: 'processes that serve (Default: one for each core)',
  },
  user: {
    type: 'string',
    valueHint: 'NAME',
    description: 'user to become once the ports are bound (Default: smtpd, or qpsmtpd)',
  },
  'pid-file': { type: 'string', valueHint: 'FILE', description: 'file to write the process id to' },
  detach: { type: 'boolean', description: 'go on in the background' },
  'no-rdns': { type: 'boolean', description: 'do not ask the DNS for the names of clients' },
  dns: {
    type: 'string',
    valueHint: 'ADDR:PORT',
    description: 'DNS server to ask in place of those in /etc/resolv.conf',
  },
  'worker-timeout': {
    type: 'string',
    valueHint: 'SECONDS',
    description: 'a worker that a plugin holds up for so long is replaced (Default: 10)',
  },
  'idle-children': { type: 'string', valueHint: 'N', description: 'without meaning here' },
  'renice-parent': { type: 'string', valueHint: 'N', description: 'without meaning here' },
  'pretty-child': { type: 'boolean', description: 'without meaning here' },
  quiet: { type: 'boolean', description: 'without meaning here' },
  debug: { type: 'boolean', description: 'without meaning here: see config/loglevel' },
} satisfies ArgsDef;

export function preforkCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'prefork',
    description: 'forkserver with the options of qpsmtpd-prefork',
    args,
    run: (given) =>
      forkserver(program, given, {
        addresses: listenAddresses(withInterfaces(given), 25),
        workers: given.count('workers', availableParallelism()),
        limitConnections: given.count('children', 10_000),
        maxFromIp: given.count('max-from-ip', 100),
      }),
  });
}

/** `--interface` is an older name of `--listen-address`. */
function withInterfaces(given: Arguments): Arguments {
  const texts = (name: string) =>
    name === 'listen-address' ? [...given.texts(name), ...given.texts('interface')] : given.texts(name);
  return { ...given, texts };
}
