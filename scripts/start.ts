// `npm start`: serves config.example on 127.0.0.1:2525 from a fresh clone, and says how to send a first mail. All
// that it writes goes below var/. A server that is to stay is started with `qpsmtpd serve` itself.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const address = '127.0.0.1:2525';
const envelope = { from: 'you@example.com', to: 'me@example.org' };

const firstSteps = [
  `A first mail:  swaks --server ${address} --from ${envelope.from} --to ${envelope.to}`,
  `or:            curl smtp://${address} --mail-from ${envelope.from} --mail-rcpt ${envelope.to} -T README.md`,
  `It will lie in ${join(root, 'var', 'Maildir', 'new')}. Ctrl-C stops the server.`,
];

const server = spawn(
  process.execPath,
  [join(root, 'src', 'main.ts'), 'serve', '--config', join(root, 'config.example'), '--listen', address],
  { cwd: root, stdio: ['inherit', 'inherit', 'pipe'] },
);

// Text of the log up to the line that says that clients can connect; null once it has come.
let heard: string | null = '';
server.stderr.on('data', (chunk: Buffer) => {
  process.stderr.write(chunk);
  if (heard === null) return;
  heard += chunk.toString('latin1');
  if (!/^\d+ Listening on .*\n/m.test(heard)) return;
  heard = null;
  process.stdout.write(`${firstSteps.join('\n')}\n`);
});

// A terminal sends Ctrl-C to both; whoever stops this process alone means the server.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void server.kill(signal));
// To the server SIGHUP means "read the configuration anew". From a terminal it means that the terminal is gone.
const onHangup = process.stdin.isTTY ? 'SIGTERM' : 'SIGHUP';
process.on('SIGHUP', () => void server.kill(onHangup));
// What is said to a terminal that is gone must not end this process before the server.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
server.on('close', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM'];
});
