// logging/file with a running server: a log that is moved away under load, reloads, the end. No line is lost, none is torn,
// be it in files that all processes share or with commands.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { eventually } from '../support/processes.ts';
import { type ServerOptions, startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';
import { type LoadSettings, type SteadyLoad, startSteadyLoad } from '../support/steady-load.ts';
import { startSuperServer } from '../support/super-server.ts';

const ROTATIONS = 3;
const LINE = /^\w{3} \w{3} \d\d \d\d:\d\d:\d\d \d{4} \S+\[\d+(?:\.\d+)?\]: \S.*$/;

function options(more: Partial<ServerOptions> = {}): ServerOptions {
  return {
    config: {
      plugins: ['rcpt_ok', 'queue/discard'],
      rcpthosts: 'b.example',
      logging: [
        'logging/file loglevel LOGINFO @DIR@/log/mail.log',
        // Each process has one: their lines would come between each other's.
        'logging/file:1 nosplit loglevel 6 |cat > @DIR@/log/piped.$$',
      ],
    },
    prepare: (dir) => mkdirSync(join(dir, 'log')),
    ...more,
  };
}

/** All lines of the files that begin so. @throws AssertionError where one is torn */
function linesOf(dir: string, beginning: string): string[] {
  const folder = join(dir, 'log');
  const names = readdirSync(folder).filter((name) => name.startsWith(beginning));
  return names.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'latin1');
    assert.ok(text.endsWith('\n'), `${name} ends within a line`);
    const lines = text.split('\n').slice(0, -1);
    for (const line of lines) assert.match(line, LINE, name);
    return lines;
  });
}

const count = (lines: readonly string[], end: string) => lines.filter((line) => line.endsWith(end)).length;

/** Every command of every session, and nothing twice. */
function assertWhole(lines: readonly string[], load: SteadyLoad): void {
  assert.deepEqual([load.refused, load.broken], [[], []]);
  const sessions = load.taken.size;
  for (const text of [
    ': Connection from localhost [127.0.0.1]',
    ': dispatching DATA',
    ': dispatching QUIT',
    ': click, disconnecting',
  ]) {
    assert.equal(count(lines, text), sessions, text);
  }
}

/** Ends with the test in any case. */
function loadOn(server: TestServer, settings: LoadSettings): SteadyLoad {
  const load = startSteadyLoad(server.port, settings);
  cleanUp(() => load.stop());
  return load;
}

async function moreMessages(load: SteadyLoad): Promise<void> {
  const before = load.taken.size;
  await eventually('messages', () => load.taken.size >= before + 5, 60_000);
}

/** As logrotate does, without a signal. Waits until it is taken notice of. */
async function rotate(dir: string, number: number, load: SteadyLoad): Promise<void> {
  const file = join(dir, 'log', 'mail.log');
  await moreMessages(load);
  renameSync(file, `${file}.${number}`);
  await eventually('a new file', () => existsSync(file), 60_000);
}

/** With a forkserver, the parent's entries are in the log. */
function hasReloaded(server: TestServer): boolean {
  const folder = join(server.dir, 'log');
  const logs = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
  return [server.stderr(), ...logs].some((text) => text.includes('configuration is read anew'));
}

for (const model of ['serve', 'forkserver'] as const) {
  describe(`logging/file, ${model}`, () => {
    test('under load, with files moved away and reloads: each entry is there, whole', async () => {
      const server = await startServer(
        options({ model, args: model === 'forkserver' ? ['--workers', '2'] : [] }),
      );
      const load = loadOn(server, { clients: 4, restMs: 5 });
      for (let at = 1; at <= ROTATIONS; at++) await rotate(server.dir, at, load);
      server.signal('SIGHUP');
      await eventually('a reload', () => hasReloaded(server), 60_000);
      await rotate(server.dir, ROTATIONS + 1, load);
      await moreMessages(load);
      await load.stop();
      assert.equal(await server.stop(), 0, server.stderr());
      const lines = linesOf(server.dir, 'mail');
      assertWhole(lines, load);
      assert.ok(count(lines, ': shutting down: no new clients') > 0);
      assert.equal(readdirSync(join(server.dir, 'log')).filter((name) => /^mail/.test(name)).length, 5);
      const piped = linesOf(server.dir, 'piped');
      assertWhole(piped, load);
      assert.deepEqual(piped.toSorted(), lines.toSorted());
      assert.doesNotMatch(server.stderr(), /logging\/file/);
    });
  });
}

describe('logging/file', () => {
  test('has what was said before the first client, and what comes at the very end', async () => {
    const server = await startServer(
      options({
        prepare(dir) {
          mkdirSync(join(dir, 'log'));
          mkdirSync(join(dir, 'spool'));
          chmodSync(join(dir, 'spool'), 0o750);
        },
      }),
    );
    const client = await greeted(server);
    await client.command('QUIT', 221);
    await server.stop();
    const texts = linesOf(server.dir, 'mail').map((line) => line.replace(/^.*?\]: /, ''));
    const first = texts.findIndex((text) => text.startsWith('permissions on spool_dir '));
    const greeting = texts.indexOf('Connection from localhost [127.0.0.1]');
    assert.ok(first >= 0 && first < greeting, texts.join('\n'));
    assert.ok(texts.includes('click, disconnecting'), texts.join('\n'));
    assert.ok(texts.includes('shutting down: no new clients'), texts.join('\n'));
    assert.equal(statSync(join(server.dir, 'log', 'mail.log')).mode & 0o777, 0o640);
    assert.deepEqual(linesOf(server.dir, 'piped'), linesOf(server.dir, 'mail'));
  });

  test('takes no mail with it when it cannot be written, and says why', async () => {
    const server = await startServer(options({ prepare: () => {} }));
    const load = loadOn(server, { clients: 1, restMs: 50 });
    await server.waitForLog(
      /\d+ logging\/file: error, cannot log to \S+mail\.log: its folder is not there \(ENOENT\): make the folder of \S+mail\.log/,
    );
    await moreMessages(load);
    mkdirSync(join(server.dir, 'log'));
    await server.waitForLog(/\d+ logging\/file: logs to \S+mail\.log again, nothing was lost/);
    await moreMessages(load);
    await load.stop();
    assert.equal(await server.stop(), 0);
    assertWhole(linesOf(server.dir, 'mail'), load);
  });

  test('has all of the one client on standard input, and of the end of its process', async () => {
    const server = await startSuperServer({
      config: {
        plugins: 'rcpt_ok',
        logging: [
          'logging/file loglevel 6 @DIR@/%i.log',
          'logging/file:1 loglevel 6 reopen |cat >> @DIR@/piped',
        ],
      },
    });
    const client = await greeted(server);
    await client.command('QUIT', 221);
    const { code, stderr } = await server.served(0);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    const [name = '', ...others] = readdirSync(server.dir).filter((file) => /^\d+-\d+-\d+\.log$/.test(file));
    assert.deepEqual(others, []);
    const texts = readFileSync(join(server.dir, name), 'latin1');
    assert.match(texts, /\]: Connection from localhost \[127\.0\.0\.1\]\n.*\]: click, disconnecting\n$/s);
    assert.ok(readFileSync(join(server.dir, 'piped'), 'latin1').includes(': click, disconnecting\n'));
  });
});
