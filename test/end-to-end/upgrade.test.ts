// A new executable in the place of the one that runs: new workers run it after SIGHUP, and after SIGUSR2 a new process
// of it has the sockets. "The executable" is the built one, or, from source, Node; here it is a copy that may be replaced.

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { handOver, stopProcess } from '../support/hand-over.ts';
import { makeFolder } from '../support/maildir-queue.ts';
import { workersOf } from '../support/one-worker.ts';
import { childrenOf, eventually, isRunning, signalAll } from '../support/processes.ts';
import { type CommandLine, programCommand } from '../support/program.ts';
import { type ServerOptions, startServer, type TestServer } from '../support/server-process.ts';
import { slowPlugin } from '../support/slow-plugin.ts';
import { greeted, SmtpDialog } from '../support/smtp-dialog.ts';
import { assertNoneLost, startSteadyLoad } from '../support/steady-load.ts';

type Model = 'serve' | 'forkserver';

/** NOOP tells which file the process runs, and which process it is. */
const WHOAMI = `
  import { statSync } from 'node:fs';
  import { definePlugin, ok } from 'qpsmtpd';
  export default definePlugin({
    name: 'whoami', summary: 'says it',
    setup: () => ({ noop: () => ok('file ' + statSync('/proc/self/exe').ino + ' process ' + process.pid) }),
  });
`;

class Installed {
  readonly command: CommandLine;
  readonly #original: string;

  constructor() {
    const { command, args } = programCommand();
    this.#original = command;
    const folder = makeFolder();
    this.command = { command: join(folder, 'qpsmtpd'), args };
    copyFileSync(command, this.command.command);
  }

  /** The number of the file. */
  get ino(): number {
    return statSync(this.command.command).ino;
  }

  /** As dpkg does it. */
  replace(): void {
    const { command } = this.command;
    copyFileSync(this.#original, `${command}.new`);
    renameSync(`${command}.new`, command);
  }

  replaceBy(script: string): void {
    const { command } = this.command;
    writeFileSync(`${command}.new`, script, { mode: 0o755 });
    renameSync(`${command}.new`, command);
  }
}

/** @param more may say how to run it otherwise */
function start(model: Model, installed: Installed, more: Partial<ServerOptions> = {}): Promise<TestServer> {
  const { args = [], ...others } = more;
  return startServer({
    model,
    program: installed.command,
    config: {
      plugins: ['slow', 'whoami', 'rcpt_ok', 'queue/maildir @DIR@/mail'],
      rcpthosts: 'b.example',
      loglevel: 'notice',
    },
    files: { 'plugins/whoami.ts': WHOAMI, ...slowPlugin },
    args: ['--pid-file', '@DIR@/pid', ...(model === 'forkserver' ? ['--workers', '2'] : []), ...args],
    ...others,
  });
}

async function whoServes(server: TestServer): Promise<{ file: number; pid: number }> {
  const client = await greeted(server);
  const reply = await client.command('NOOP', 250);
  await client.command('QUIT', 221);
  const [, file, pid] = /file (\d+) process (\d+)/.exec(reply) ?? [];
  return { file: Number(file), pid: Number(pid) };
}

const pidIn = (server: TestServer) => Number(readFileSync(join(server.dir, 'pid'), 'latin1'));

describe('SIGHUP after an upgrade: forkserver', () => {
  test('new workers run the new file, and the running one where there is none any more', async () => {
    const installed = new Installed();
    const server = await start('forkserver', installed);
    const oldFile = installed.ino;
    assert.equal((await whoServes(server)).file, oldFile);
    installed.replace();
    assert.notEqual(installed.ino, oldFile);
    server.signal('SIGHUP');
    await server.waitForLog(/configuration is read anew/);
    // An old worker may take one more before it hears of it.
    await eventually('the new file', async () => (await whoServes(server)).file === installed.ino);
    rmSync(installed.command.command);
    // Those of the old file leave when their last client has gone, which may be now.
    signalAll(await workersOf(server, 2), 'SIGKILL');
    await server.waitForLog(/has died/);
    assert.equal((await whoServes(server)).file, oldFile);
    await server.stop();
  });
});

describe('SIGUSR2 below a program that watches over the process', () => {
  test('is refused, with a hint at what to do', async () => {
    const installed = new Installed();
    const supervise = join(makeFolder(), 'supervise');
    copyFileSync('/bin/sh', supervise);
    const { command, args } = installed.command;
    const script = '"$0" "$@" & p=$!; trap "kill $p" TERM; trap "kill -USR2 $p" USR2; wait; wait; wait';
    const watched = { command: supervise, args: ['-c', script, command, ...args] };
    const server = await start('serve', installed, { program: watched });
    const pid = pidIn(server);
    server.signal('SIGUSR2');
    await server.waitForLog(
      /error, SIGUSR2: the server is not handed over: supervise watches over this very process; SIGHUP/,
    );
    await (await greeted(server)).command('QUIT', 221);
    assert.equal(pidIn(server), pid);
    await stopProcess(pid);
  });
});

for (const model of ['serve', 'forkserver'] as const) {
  describe(`SIGUSR2: ${model}`, () => {
    test('again and again under load: none refused, none broken, none lost', async () => {
      const installed = new Installed();
      const server = await start(model, installed);
      const load = startSteadyLoad(server.port, { clients: 4, restMs: 2 });
      const pids = [server.pid];
      for (let at = 0; at < 3; at++) {
        const oldFile = installed.ino;
        installed.replace();
        // That of the one before may come again: its process is gone.
        assert.notEqual(installed.ino, oldFile);
        const pid = await handOver(server, pids.at(-1) ?? 0);
        assert.equal(pidIn(server), pid);
        pids.push(pid);
        const before = load.taken.size;
        await eventually('messages', () => load.taken.size >= before + 10, 60_000);
        await eventually('the new file', async () => (await whoServes(server)).file === installed.ino);
      }
      await load.stop();
      const { extra } = assertNoneLost(load, join(server.dir, 'mail'));
      assert.deepEqual([load.refused, load.broken, extra], [[], [], 0]);
      const last = pids.pop() ?? 0;
      await eventually('the end of the old ones', () => !pids.some(isRunning));
      await stopProcess(last);
      assert.equal(existsSync(join(server.dir, 'pid')), false);
      // A machine that is busy is not what this is about.
      assert.deepEqual(server.stderr().match(/.*error, (?!.*the event loop).*/g) ?? [], []);
    });

    test('a client that is there stays with the old process, which then leaves', async () => {
      const installed = new Installed();
      const server = await start(model, installed);
      const old = await greeted(server);
      const before = await old.command('NOOP', 250);
      const pid = await handOver(server, server.pid);
      assert.equal(await old.command('NOOP', 250), before);
      await eventually('the new one', async () => {
        const { pid: serving } = await whoServes(server);
        return [pid, ...childrenOf(pid)].includes(serving);
      });
      assert.ok(isRunning(server.pid));
      await old.envelope('a@a.example', 'user@b.example');
      await old.command('QUIT', 221);
      await eventually('the end of the old one', () => !isRunning(server.pid));
      await stopProcess(pid);
    });

    test('a new one that does not come to serve is told, and the old one goes on', async () => {
      const installed = new Installed();
      const server = await start(model, installed, { args: ['--listen', '@DIR@/socket'] });
      const plugins = join(server.dir, 'config', 'plugins');
      const good = readFileSync(plugins, 'latin1');
      writeFileSync(plugins, `${good}no_such_plugin\n`);
      server.signal('SIGUSR2');
      await server.waitForLog(/no_such_plugin/);
      await server.waitForLog(/the new process did not come to serve \(exit code 1\), this one goes on/);
      writeFileSync(plugins, good);
      installed.replaceBy('#!/bin/sh\nexit 3\n');
      server.signal('SIGUSR2');
      await server.waitForLog(/the new process did not come to serve \(exit code 3\), this one goes on/);
      assert.equal(pidIn(server), server.pid);
      assert.ok(existsSync(join(server.dir, 'socket')));
      await (await greeted(server)).command('QUIT', 221);
      assert.equal(await server.stop(), 0);
      assert.ok(!existsSync(join(server.dir, 'socket')));
    });

    test('the file of a unix socket stays until the last process stops', async () => {
      const installed = new Installed();
      const server = await start(model, installed, { args: ['--listen', '@DIR@/socket'] });
      const path = join(server.dir, 'socket');
      const pid = await handOver(server, server.pid);
      await eventually('the end of the old one', () => !isRunning(server.pid));
      const socket = createConnection({ path });
      cleanUp(() => void socket.destroy());
      const client = new SmtpDialog(socket);
      await client.greet();
      await client.command('QUIT', 221);
      await stopProcess(pid);
      assert.ok(!existsSync(path));
    });

    test('SIGTERM while the new one begins ends both, and SIGHUP meanwhile does no harm', async () => {
      const installed = new Installed();
      const server = await start(model, installed);
      writeFileSync(join(server.dir, 'slow'), '');
      server.signal('SIGUSR2');
      await server.waitForLog(/begins late/);
      const all = [server.pid, ...childrenOf(server.pid)];
      server.signal('SIGHUP');
      server.signal('SIGTERM');
      server.signal('SIGTERM');
      assert.equal(await server.exited, 0);
      await eventually('the end of all', () => !all.some(isRunning));
      assert.ok(!existsSync(join(server.dir, 'pid')));
    });
  });
}
