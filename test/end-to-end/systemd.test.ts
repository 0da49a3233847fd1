// What systemd hears of a server: a stand-in for it keeps all messages. The program systemd-notify is the real one.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, signalAll } from '../support/processes.ts';
import { run } from '../support/program.ts';
import { type ServerOptions, startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';
import { type SystemdStandIn, startSystemd, whyNoSystemd } from '../support/systemd-stand-in.ts';
import { workersOf } from '../support/workers.ts';

const BEAT_US = 100_000;
const BLOCK_MS = 1500;

const blocking = `
  import { definePlugin } from 'qpsmtpd';
  export default definePlugin({
    name: 'blocking', summary: 'holds up the event loop',
    setup: () => ({ noop() { for (const end = Date.now() + ${BLOCK_MS}; Date.now() < end; ); } }),
  });
`;

function start(
  systemd: SystemdStandIn,
  model: NonNullable<ServerOptions['model']>,
  { plugins = [], env = {} }: { plugins?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<TestServer> {
  return startServer({
    model,
    config: { plugins: ['rcpt_ok', ...plugins], rcpthosts: 'b.example', loglevel: 'notice' },
    files: { 'plugins/blocking.ts': blocking },
    args: model === 'forkserver' ? ['--workers', '2'] : [],
    env: { NOTIFY_SOCKET: systemd.socket, ...env },
  });
}

const withWatchdog = { WATCHDOG_USEC: String(2 * BEAT_US) };

const monotonicUs = () => Number(process.hrtime.bigint() / 1000n);

/** The longest time between two lives that were told, in milliseconds. */
function longestGap(systemd: SystemdStandIn): number {
  const times = systemd.timesOf('WATCHDOG=1');
  return Math.max(...times.slice(1).map((us, at) => (us - (times[at] ?? us)) / 1000));
}

for (const model of ['serve', 'forkserver'] as const) {
  describe(`${model} tells systemd`, { skip: whyNoSystemd() }, () => {
    test('that it is ready, that it reloads, and that it stops', async () => {
      const systemd = await startSystemd();
      const server = await start(systemd, model);
      const ready = await systemd.heard('READY=1');
      assert.ok(ready.lines.includes(`MAINPID=${server.pid}`), ready.lines.join());
      assert.match(ready.lines.join('\n'), /^STATUS=.*connections/m);

      const before = monotonicUs();
      const from = systemd.notices.length;
      server.signal('SIGHUP');
      const reloading = await systemd.heard('RELOADING=1', from);
      const since = Number(/^MONOTONIC_USEC=(\d+)$/m.exec(reloading.lines.join('\n'))?.[1]);
      assert.ok(since >= before && since <= reloading.us, `${before} <= ${since} <= ${reloading.us}`);
      await systemd.heard('READY=1', systemd.notices.indexOf(reloading) + 1);
      assert.match(systemd.notices.at(-1)?.lines.join('\n') ?? '', /^STATUS=\d/m);

      server.signal('SIGTERM');
      await systemd.heard('STOPPING=1');
      assert.equal(await server.exited, 0);
      const all = systemd.notices.flatMap(({ lines }) => lines);
      const kinds = all.filter((line) => /^(?:READY|RELOADING|STOPPING)=/.test(line));
      assert.deepEqual(kinds, ['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
      assert.doesNotMatch(server.stderr(), /systemd/);
    });

    test('that a new configuration was refused: it is ready again, with the old one', async () => {
      const systemd = await startSystemd();
      const server = await start(systemd, model);
      await systemd.heard('READY=1');
      writeFileSync(join(server.dir, 'config', 'plugins'), 'no_such_plugin\n');
      const from = systemd.notices.length;
      server.signal('SIGHUP');
      const again = await systemd.heard('READY=1', from);
      assert.match(again.lines.join('\n'), /^STATUS=the new configuration was refused; \d/m);
      const client = await greeted(server);
      await client.command('QUIT', 221);
    });

    test('that it lives, and nothing while its event loop stands still', async () => {
      const systemd = await startSystemd();
      const server = await start(systemd, 'serve', { plugins: ['blocking'], env: withWatchdog });
      await eventually('three signs of life', () => systemd.timesOf('WATCHDOG=1').length >= 3);
      const client = await greeted(server);
      await client.command('NOOP', 250);
      const told = systemd.timesOf('WATCHDOG=1').length;
      await eventually('signs of life again', () => systemd.timesOf('WATCHDOG=1').length >= told + 2);
      assert.ok(longestGap(systemd) > BLOCK_MS - 2 * (BEAT_US / 1000), `${longestGap(systemd)} ms`);
    });
  });
}

describe('forkserver tells systemd', { skip: whyNoSystemd() }, () => {
  test('nothing of its life while no worker serves', async () => {
    const systemd = await startSystemd();
    const server = await start(systemd, 'forkserver', { env: withWatchdog });
    await systemd.heard('WATCHDOG=1');
    await systemd.heard(/^STATUS=2 of 2 workers/);
    writeFileSync(join(server.dir, 'config', 'plugins'), 'no_such_plugin\n');
    signalAll(workersOf(server.pid), 'SIGKILL');
    await systemd.heard(/^STATUS=0 of 2 workers/);
    const told = systemd.timesOf('WATCHDOG=1').length;
    await pause((10 * BEAT_US) / 1000);
    assert.equal(systemd.timesOf('WATCHDOG=1').length, told);
    writeFileSync(join(server.dir, 'config', 'plugins'), 'rcpt_ok\n');
    await eventually('a sign of life', () => systemd.timesOf('WATCHDOG=1').length > told);
  });

  test('of itself only: workers know of no socket to speak to', async () => {
    const systemd = await startSystemd();
    const server = await start(systemd, 'forkserver', { env: withWatchdog });
    await eventually('two workers', () => workersOf(server.pid).length === 2);
    for (const pid of workersOf(server.pid)) {
      assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, 'latin1'), /NOTIFY_SOCKET|WATCHDOG/);
    }
  });
});

const analyze = '/usr/bin/systemd-analyze';

test('our unit is as closed as the documentation says', { skip: !existsSync(analyze) }, async () => {
  const folder = join(import.meta.dirname, '..', '..');
  const unit = join(folder, 'packaging', 'systemd', 'qpsmtpd.service');
  const { stdout } = await run(analyze, ['security', '--offline=true', '--no-pager', unit]);
  const [, exposure] = /Overall exposure level for qpsmtpd\.service: (\d\.\d)/.exec(stdout) ?? [];
  const docs = readFileSync(join(folder, 'docs', 'INSTALLING.md'), 'utf8');
  const [, promised] = /`systemd-analyze security` gives the unit (\d\.\d) /.exec(docs) ?? [];
  assert.ok(Number(exposure) <= Number(promised), `${exposure} is more than ${promised}`);
});
