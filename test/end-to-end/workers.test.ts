// Death in a forkserver: workers that are killed, workers that cannot be replaced, a parent that is killed; and who
// hears of it.
//   QPSMTPD_KILL_SECONDS=300   a kill each second for so long, in place of 8 (npm run soak:kill)

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { cleanUp } from '../support/cleanup.ts';
import { freePort } from '../support/free-port.ts';
import { childrenOf, eventually, isRunning, signalAll } from '../support/processes.ts';
import { runProgram } from '../support/program.ts';
import {
  makeServerDir,
  type ServerOptions,
  startServer,
  type TestServer,
} from '../support/server-process.ts';
import { slowPlugin } from '../support/slow-plugin.ts';
import { connect, greeted } from '../support/smtp-dialog.ts';
import { assertNoneLost, startSteadyLoad } from '../support/steady-load.ts';

const SECONDS = Number(process.env['QPSMTPD_KILL_SECONDS'] ?? 8);
const KILL_MS = SECONDS > 60 ? 950 : 500;
const CLIENTS = 4;

/** Writes what is logged to a file, as somebody's own logging plugin may. */
const FILE_LOG = `
  import { appendFileSync } from 'node:fs';
  import { definePlugin, option } from 'qpsmtpd';
  export default definePlugin({
    name: 'file_log', summary: 'logs to a file',
    options: { file: option.path({ required: true, doc: 'the file' }) },
    positional: ['file'],
    setup: ({ options }) => ({
      logging: {
        upTo: 'notice',
        handler: (_at, { level, id, text }) => appendFileSync(options.file, level + ' ' + id + ' ' + text + '\\n'),
      },
    }),
  });
`;

function options({ config = {}, args = [], files = {} }: Partial<ServerOptions> = {}): ServerOptions {
  return {
    model: 'forkserver',
    config: {
      plugins: ['rcpt_ok', 'queue/maildir @DIR@/mail'],
      rcpthosts: 'b.example',
      loglevel: 'warn',
      ...config,
    },
    args: ['--workers', '2', ...args],
    files,
  };
}

const start = (more: Partial<ServerOptions> = {}) => startServer(options(more));

/** Both take clients: a child that is there may still be about to. */
async function bothServe(server: TestServer): Promise<void> {
  const said = () => server.stderr().match(/status: 2 of 2 workers/g)?.length ?? 0;
  const before = said();
  const asking = setInterval(() => process.kill(server.pid, 'SIGUSR1'), 100);
  await eventually('two workers', () => said() > before, 35_000).finally(() => clearInterval(asking));
}

function spoil(server: TestServer): () => void {
  const file = join(server.dir, 'config', 'plugins');
  const good = readFileSync(file, 'latin1');
  writeFileSync(file, `${good}rcpt_okay\n`);
  return () => writeFileSync(file, good);
}

const kill = (pid: number | undefined) => signalAll(pid === undefined ? [] : [pid], 'SIGKILL');

describe('workers that are killed', () => {
  test(`again and again for ${SECONDS} s under load: only their own sessions break, no mail is lost`, async (t) => {
    const server = await start();
    await bothServe(server);
    const load = startSteadyLoad(server.port, { clients: CLIENTS, restMs: 5 });
    const end = Date.now() + SECONDS * 1000;
    let kills = 0;
    let most = 0;
    for (let at = 0; Date.now() < end; at++) {
      const taken = load.taken.size;
      await pause(KILL_MS);
      // A machine that is busy gets its time.
      await eventually('messages between two kills', () => load.taken.size >= taken + 5, 60_000);
      const before = load.broken.length;
      const workers = childrenOf(server.pid);
      if (workers.length === 0) continue;
      kill(workers[at % workers.length]);
      kills++;
      await pause(50);
      most = Math.max(most, load.broken.length - before);
    }
    await load.stop();
    const { messages, extra } = assertNoneLost(load, join(server.dir, 'mail'));
    t.diagnostic(
      `${kills} kills in ${SECONDS} s; ${load.connected} connections, ${load.refused.length} refused, ${load.broken.length} broken ` +
        `(at most ${most} by a kill); ${load.taken.size} messages taken, ${messages} there, ${extra} twice`,
    );
    assert.deepEqual(load.refused, []);
    assert.ok(load.broken.length <= kills * CLIENTS, `${load.broken.length} sessions broke`);
    assert.equal(extra, 0);
    assert.ok(kills > 0 && load.taken.size >= kills * 5, `${kills} kills, ${load.taken.size} messages`);
    await server.waitForLog(/error, worker \d+ has died \(SIGKILL\)/);
    await bothServe(server);
    await server.stop();
  });

  test('while the configuration is broken: the mistake is told, the other goes on, and mending is enough', async () => {
    const server = await start({ config: { loglevel: 'notice' } });
    await bothServe(server);
    const mend = spoil(server);
    kill(childrenOf(server.pid)[0]);
    await server.waitForLog(/error, \S*config\/plugins:3: no plugin "rcpt_okay"/);
    await server.waitForLog(/error, 1 of 2 workers go on; others are tried until they serve/);
    await (await greeted(server)).command('QUIT', 221);
    mend();
    await server.waitForLog(/2 of 2 workers serve again/);
    const told = server.stderr().match(/no plugin "rcpt_okay"/g)?.length;
    assert.equal(told, 1);
    await server.stop();
  });

  test('the last one while the configuration is broken: it is said that nobody serves, and clients wait', async () => {
    const server = await start({ args: ['--workers', '1'] });
    const mend = spoil(server);
    kill(childrenOf(server.pid)[0]);
    await server.waitForLog(/error, nobody serves: clients have to wait/);
    const client = await connect(server.port);
    mend();
    await client.greet();
    await client.command('QUIT', 221);
    await server.stop();
  });
});

describe('a parent that is killed', () => {
  test('leaves no worker behind, and the next one can begin at once', async () => {
    const first = await start({ args: ['--pid-file', '@DIR@/pid'] });
    await bothServe(first);
    const workers = childrenOf(first.pid);
    const client = await greeted(first);
    kill(first.pid);
    await eventually('nobody listens', () => !listens(first.port));
    const second = await startServer({
      ...options(),
      args: ['--workers', '2', '--listen', `127.0.0.1:${first.port}`],
    });
    await (await greeted(first)).command('QUIT', 221);
    await client.command('NOOP', /^421 4\.3\.2 /);
    await eventually('the end of all workers', () => !workers.some(isRunning));
    await second.stop();
  });
});

/** Whether there is a TCP listener at a port: from the kernel's table, as a connection would become a client. */
function listens(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`:${hex} 0+:0000 0A `).test(readFileSync('/proc/net/tcp', 'latin1'));
}

describe('what the parent has to say', () => {
  const logged = {
    config: { logging: 'file_log @DIR@/log', loglevel: 'notice' },
    files: { 'plugins/file_log.ts': FILE_LOG },
  };

  test('is written by the logging plugins, with the id of the parent', async () => {
    const server = await start(logged);
    await bothServe(server);
    const [victim] = childrenOf(server.pid);
    kill(victim);
    const log = join(server.dir, 'log');
    const line = `error ${server.pid} error, worker ${victim} has died (SIGKILL)`;
    await eventually('a line in the log', () => readIf(log).includes(line));
    assert.doesNotMatch(server.stderr(), /has died/);
    await server.stop();
    assert.match(readFileSync(log, 'latin1'), new RegExp(`^notice ${server.pid} shutting down`, 'm'));
  });

  test('and with --detach, too, where standard error leads nowhere', async () => {
    const dir = makeServerDir(options(logged));
    const args = ['forkserver', '--config', join(dir, 'config'), '--listen', '127.0.0.1:0', '--detach'];
    const user = process.getuid?.() === 0 ? ['--user', 'root'] : [];
    const { code } = await runProgram([...args, ...user, '--workers', '1', '--pid-file', join(dir, 'pid')]);
    assert.equal(code, 0);
    const pid = Number(readFileSync(join(dir, 'pid'), 'latin1'));
    try {
      const [victim] = childrenOf(pid);
      kill(victim);
      const log = join(dir, 'log');
      const line = `error ${pid} error, worker ${victim} has died (SIGKILL)`;
      await eventually('a line in the log', () => readIf(log).includes(line));
    } finally {
      process.kill(pid, 'SIGTERM');
      await eventually('its end', () => !isRunning(pid));
    }
  });
});

describe('--detach', () => {
  const prints = {
    config: { plugins: ['prints', 'rcpt_ok'], logging: 'file_log @DIR@/log', loglevel: 'notice' },
    files: {
      'plugins/file_log.ts': FILE_LOG,
      'plugins/prints.ts': `
        import { spawnSync } from 'node:child_process';
        import { definePlugin, ok } from 'qpsmtpd';
        export default definePlugin({
          name: 'prints', summary: 'prints to standard error, as a program of it does',
          setup: () => ({
            noop() {
              process.stderr.write('x'.repeat(300_000));
              spawnSync('/bin/sh', ['-c', 'head -c 300000 /dev/zero >&2'], { stdio: 'inherit' });
              return ok(String(process.ppid));
            },
          }),
        });
      `,
    },
  };

  test('a plugin that prints to standard error breaks no session, also behind SIGUSR2 to one that is stopped', async () => {
    const dir = makeServerDir(options(prints));
    const port = await freePort();
    const user = process.getuid?.() === 0 ? ['--user', 'root'] : [];
    const words = [
      '--config',
      join(dir, 'config'),
      '--listen',
      `127.0.0.1:${port}`,
      '--pid-file',
      join(dir, 'pid'),
    ];
    const { code, stderr } = await runProgram([
      'forkserver',
      ...user,
      ...words,
      '--workers',
      '1',
      '--detach',
    ]);
    assert.equal(code, 0, stderr);
    const first = Number(readFileSync(join(dir, 'pid'), 'latin1'));
    const pids = [first];
    cleanUp(async () => {
      signalAll(pids, 'SIGKILL');
      await eventually('the end', () => !pids.some(isRunning));
      rmSync(dir, { recursive: true, force: true });
    });
    const old = await greeted({ port });
    for (let at = 0; at < 3; at++) await old.command('NOOP', new RegExp(`^250 .*${first}$`));
    signalAll([first], 'SIGUSR2');
    const handed = () => /handed over to process (\d+)/.exec(readIf(join(dir, 'log')));
    await eventually('a hand-over', () => handed() !== null, 60_000);
    const second = Number(handed()?.[1]);
    pids.push(second);
    await eventually('the new one', async () => {
      const client = await greeted({ port });
      const reply = await client.command('NOOP', 250);
      client.close();
      return reply.endsWith(` ${second}`);
    });
    signalAll([first], 'SIGSTOP');
    const client = await greeted({ port });
    for (let at = 0; at < 3; at++) await client.command('NOOP', 250);
    await client.command('QUIT', 221);
    client.close();
    old.close();
  });
});

function readIf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

describe('signals at bad moments', () => {
  const slow = {
    config: { plugins: ['slow', 'rcpt_ok', 'queue/maildir @DIR@/mail'], loglevel: 'notice' },
    files: slowPlugin,
  };

  test('SIGTERM twice while new workers begin, SIGHUP and SIGUSR1 to them: all end, exit code 0', async () => {
    const server = await start(slow);
    await bothServe(server);
    const old = childrenOf(server.pid);
    writeFileSync(join(server.dir, 'slow'), '');
    server.signal('SIGHUP');
    await server.waitForLog(/begins late/);
    const all = childrenOf(server.pid);
    for (const pid of all) {
      for (const name of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.kill(pid, name);
    }
    await pause(200);
    assert.ok(all.every(isRunning));
    assert.ok(all.length > old.length);
    server.signal('SIGTERM');
    server.signal('SIGTERM');
    assert.equal(await server.exited, 0);
    assert.ok(!all.some(isRunning));
    assert.doesNotMatch(server.stderr(), /Debugger|has died/);
  });

  test('SIGHUP while a reload is under way: one more follows, and the old ones serve until then', async () => {
    const server = await start(slow);
    await bothServe(server);
    writeFileSync(join(server.dir, 'slow'), '');
    server.signal('SIGHUP');
    await server.waitForLog(/begins late/);
    for (let at = 0; at < 5; at++) {
      server.signal('SIGHUP');
      await pause(10);
    }
    await (await greeted(server)).command('QUIT', 221);
    rmSync(join(server.dir, 'slow'));
    const reloads = () => server.stderr().match(/configuration is read anew/g)?.length ?? 0;
    await eventually('two reloads', () => reloads() === 2);
    await bothServe(server);
    assert.equal(reloads(), 2);
    await server.stop();
  });
});
