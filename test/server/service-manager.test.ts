// What is said to systemd, by a script in the place of systemd-notify that writes its words into a file.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type ServiceManager, serviceManager } from '../../src/server/service-manager.ts';
import { until } from './support.ts';

const health = { isServing: () => true, status: () => 'fine' };

interface Scene {
  readonly manager: ServiceManager;
  readonly env: Record<string, string | undefined>;
  readonly warnings: string[];
  /** what the program was given so far, a line a word */
  said(): string;
}

/** @param script what the program does before it writes down its words */
function scene(t: TestContext, env: Record<string, string>, script: string | null = ''): Scene {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-notify-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const program = join(dir, 'notify');
  const words = join(dir, 'words');
  if (script !== null) {
    writeFileSync(program, `#!/bin/sh\n${script}\nprintf '%s\\n' "$NOTIFY_SOCKET" "$@" >> '${words}'\n`);
    chmodSync(program, 0o755);
  }
  const own = { PATH: process.env['PATH'], ...env };
  const warnings: string[] = [];
  const manager = serviceManager({ env: own, pid: 4711, warn: (text) => warnings.push(text), program });
  const said = () => (existsSync(words) ? readFileSync(words, 'latin1') : '');
  return { manager, env: own, warnings, said };
}

const watched = { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '50000', WATCHDOG_PID: '4711' };

describe('the service manager', () => {
  it('is not spoken to where nobody asks for it', async (t) => {
    const { manager, said } = scene(t, { WATCHDOG_USEC: '1000' });
    const done: string[] = [];
    void manager.ready(health);
    await manager.reload(async () => done.push('work') > 0);
    manager.stopping();
    await pause(100);
    assert.deepEqual([done, said()], [['work'], '']);
  });

  it('is none of the business of programs that are started later', (t) => {
    const { env } = scene(t, watched);
    assert.deepEqual(Object.keys(env), ['PATH']);
  });

  it('hears one message after the other, and of which process', async (t) => {
    // The first one would be overtaken.
    const { manager, said } = scene(
      t,
      { NOTIFY_SOCKET: '@abstract' },
      'case "$*" in *READY*) sleep 0.3;; esac',
    );
    void manager.ready(health);
    await manager.reload(async () => true);
    await until(() => said().split('READY=1').length === 3);
    const kinds = said().match(/^(?:@abstract|--pid=4711|READY=1|RELOADING=1)$/gm);
    const one = ['@abstract', '--pid=4711'];
    assert.deepEqual(kinds, [...one, 'READY=1', ...one, 'RELOADING=1', ...one, 'READY=1']);
  });

  it('is told that it reloads once, however many reloads there are at a time', async (t) => {
    const { manager, said } = scene(t, { NOTIFY_SOCKET: '/run/n' });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const all = [manager.reload(() => promise), manager.reload(async () => true)];
    await pause(100);
    assert.doesNotMatch(said(), /READY=1/);
    resolve(true);
    await Promise.all(all);
    await until(() => said().includes('READY=1'));
    assert.equal(said().split('RELOADING=1').length, 2);
  });

  it('hears that the server is ready again when a reload throws', async (t) => {
    const { manager, said } = scene(t, { NOTIFY_SOCKET: '/run/n' });
    await assert.rejects(
      manager.reload(() => Promise.reject(new Error('no'))),
      /^Error: no$/,
    );
    await until(() => said().includes('\nSTATUS=the new configuration was refused; '));
  });

  it('hears that we live as long as somebody serves', async (t) => {
    const serving = { is: false };
    const { manager, said } = scene(t, watched);
    void manager.ready({ ...health, isServing: () => serving.is });
    await until(() => said().includes('READY=1'));
    await pause(200);
    assert.doesNotMatch(said(), /WATCHDOG=1/);
    serving.is = true;
    await until(() => said().split('WATCHDOG=1').length > 3);
    manager.stopping();
    await until(() => said().includes('STOPPING=1'));
  });

  it('hears that we live although a message before did not arrive', async (t) => {
    const { manager, warnings, said } = scene(t, watched, '[ -e "$0.tried" ] || { : > "$0.tried"; exit 3; }');
    await manager.ready(health);
    await until(() => said().includes('WATCHDOG=1'));
    manager.stopping();
    assert.equal(warnings.length, 1);
    await until(() => said().includes('STOPPING=1'));
  });

  it('hears nothing of our life when it watches another process', async (t) => {
    const { manager, said } = scene(t, { ...watched, WATCHDOG_PID: '4712' });
    void manager.ready(health);
    await until(() => said().includes('READY=1'));
    await pause(200);
    assert.doesNotMatch(said(), /WATCHDOG=1/);
  });

  for (const [what, script, says] of [
    ['is missing', null, /^error, systemd does not hear .*ENOENT.*install that program/],
    ['fails', 'exit 3', /^error, systemd does not hear .*exit code 3/],
  ] as const) {
    it(`is the subject of one warning where the program ${what}`, async (t) => {
      const { manager, warnings, said } = scene(t, watched, script);
      void manager.ready(health);
      await manager.reload(async () => true);
      await until(() => warnings.length > 0);
      await pause(200);
      manager.stopping();
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', says);
      assert.equal(said(), '');
    });
  }
});
