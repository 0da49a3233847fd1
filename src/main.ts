#!/usr/bin/env node
// The program: its subcommands. The only file that knows both the server and the bundled plugins.

import './cli/plain-output.ts';
import { type CommandDef, runMain } from 'citty';
import packageJson from '../package.json' with { type: 'json' };
import { bundledPlugins } from '../plugins/index.ts';
import * as api from './api.ts';
import { checkConfigCommand } from './cli/check-config.ts';
import { EXIT_FAILED } from './cli/command.ts';
import { terminal } from './cli/findings.ts';
import { forkserverCommand } from './cli/forkserver.ts';
import { mainCommand } from './cli/main-command.ts';
import { preforkCommand } from './cli/prefork.ts';
import type { Program } from './cli/program.ts';
import { wordsOf } from './cli/program-name.ts';
import { queueCommand } from './cli/queue.ts';
import { serveCommand } from './cli/serve.ts';
import { stdinCommand } from './cli/stdin.ts';
import { testPluginCommand } from './cli/test-plugin.ts';
import { tlsCertCommand } from './cli/tls-cert.ts';
import { showUsage, wordsMistake } from './cli/usage.ts';
import { workerCommand } from './cli/worker.ts';
import { StandardConnection } from './server/standard-socket.ts';

// libuv reads this when its threads start, at the first file operation: fsyncs of many messages run side by side.
process.env['UV_THREADPOOL_SIZE'] ??= '16';

const program: Program = { version: packageJson.version, bundled: bundledPlugins, api };
const standard = new StandardConnection();

const subcommands: Readonly<Record<string, CommandDef>> = {
  serve: serveCommand(program),
  forkserver: forkserverCommand(program),
  prefork: preforkCommand(program),
  stdin: stdinCommand(program, standard),
  worker: workerCommand(program),
  'check-config': checkConfigCommand(program),
  'test-plugin': testPluginCommand(program),
  'tls-cert': tlsCertCommand(program),
  queue: queueCommand(program),
};

const words = wordsOf({
  name: process.argv0,
  words: process.argv.slice(2),
  hasClient: () => process.env['TCPREMOTEIP'] !== undefined || standard.hasClient,
});
const mistake = wordsMistake(words, Object.keys(subcommands));
if (mistake === null) {
  // No await: the executable's bundle is a CommonJS file.
  void runMain(mainCommand(program, subcommands), { rawArgs: words, showUsage });
} else {
  terminal().error(mistake);
  process.exitCode = EXIT_FAILED;
}
