// `qpsmtpd-prefork`: forkserver under the options of the original's program of that name. Its children served one client
// each, so their number is that of clients here.

import { availableParallelism } from 'node:os';
import type { ArgsDef, CommandDef } from 'citty';
import type { Arguments } from './arguments.ts';
import { makeCommand } from './command.ts';
import { forkserver } from './forkserver.ts';
import { listenAddresses } from './listen-flags.ts';
import type { Program } from './program.ts';
import { configArgs, serverArgs, workersArgs } from './shared-args.ts';

const args = {
  ...configArgs,
  listen: workersArgs.listen,
  'listen-address': {
    type: 'string',
    valueHint: 'ADDR[:PORT]',
    description: 'address to listen on; may be repeated (Default: all)',
  },
  interface: { type: 'string', valueHint: 'ADDR[:PORT]', description: 'the same as --listen-address' },
  port: { type: 'string', valueHint: 'PORT', description: 'port to listen on (Default: 25)' },
  'max-from-ip': serverArgs['max-from-ip'],
  children: { type: 'string', valueHint: 'N', description: 'most clients at a time (Default: 10000)' },
  workers: workersArgs.workers,
  user: serverArgs.user,
  'pid-file': serverArgs['pid-file'],
  detach: workersArgs.detach,
  // Without the letter: the original has it for forkserver alone.
  'no-rdns': { type: 'boolean', description: serverArgs['no-rdns'].description },
  dns: serverArgs.dns,
  'worker-timeout': workersArgs['worker-timeout'],
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
