// A Postfix with configuration, queue and log in a folder of its own: what the tests in which it sends, keeps or
// delivers mail have in common. Nothing but loopback and unix sockets.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { Daemon, makeFolder, readIfThere, succeed, writeFile } from './other-mta.ts';

export interface PostfixFolders {
  /** holds all the others */
  readonly folder: string;
  readonly config: string;
  readonly queue: string;
}

export interface PostfixInstance extends PostfixFolders {
  /** where its entrance listens */
  readonly port: number;
  /** what it has written to its log, and to standard error */
  log(): string;
}

export interface PostfixPlan {
  /** program of master.cf that takes the mail */
  readonly entrance: 'smtpd' | 'qmqpd';
  /** lines of master.cf for everything else; none may be in a root folder of its own */
  readonly services: readonly string[];
  /** lines of main.cf beside those that all have */
  settings(folders: PostfixFolders): readonly string[];
  /** writes whatever the settings name */
  prepare?(folders: PostfixFolders): void;
}

// What a message needs on its way, wherever it goes.
const SERVICES = [
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'postlog unix-dgram n - n - 1 postlogd',
];

const settingsOfAll = ({ folder, queue }: PostfixFolders) => [
  'compatibility_level = 3.6',
  `queue_directory = ${queue}`,
  `data_directory = ${join(folder, 'data')}`,
  `maillog_file = ${join(folder, 'log')}`,
  `maillog_file_prefixes = ${folder}`,
  'myhostname = postfix.example',
  'mydestination =',
  'alias_maps =',
  'inet_interfaces = 127.0.0.1',
  'inet_protocols = ipv4',
  'smtputf8_enable = yes',
];

/** Runs until the end of the test (or suite, or file) that called this. Needs root. */
export async function startPostfixInstance(plan: PostfixPlan): Promise<PostfixInstance> {
  const folder = makeFolder();
  const port = await freePort();
  const config = join(folder, 'config');
  const folders = { folder, config, queue: join(folder, 'queue') };
  const entrance = `127.0.0.1:${port} inet n - n - - ${plan.entrance}`;
  writeFile(join(config, 'master.cf'), [entrance, ...SERVICES, ...plan.services]);
  writeFile(join(config, 'main.cf'), [...settingsOfAll(folders), ...plan.settings(folders)]);
  plan.prepare?.(folders);
  mkdirSync(folders.queue);
  // Its owner and rights are set by Postfix itself.
  mkdirSync(join(folder, 'data'));
  await succeed('chown', ['postfix', join(folder, 'data')]);
  await succeed('postfix', ['-c', config, 'check']);
  const log = () => readIfThere(join(folder, 'log'));
  const programs = (await succeed('postconf', ['-c', config, '-h', 'daemon_directory'])).trim();
  const daemon = new Daemon(join(programs, 'master'), ['-c', config, '-d']);
  await daemon.listensOn(port, log);
  return { ...folders, port, log: () => daemon.output + log() };
}
