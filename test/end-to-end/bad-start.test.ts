// Mistakes in configuration and on the command line: one clear error with its place, an exit code that is not 0,
// never a stack trace; and the same from check-config, as text and as JSON.

import assert from 'node:assert/strict';
import { rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { type Outcome, plainEnv, runProgram } from '../support/program.ts';
import { type ConfigFiles, makeServerDir } from '../support/server-process.ts';

interface Mistake {
  readonly code: string;
  readonly config: ConfigFiles;
  readonly files?: Readonly<Record<string, string>>;
  prepare?(dir: string): void;
  /** file below the temporary folder, with a line where there is one */
  readonly where: string;
  readonly says: RegExp;
}

const plugin = (text: string) => ({ 'plugins/mine.ts': text });
const mine = { plugins: ['rcpt_ok', '', '# ours', 'mine'] };
const at4 = 'config/plugins:4';

const mistakes: Readonly<Record<string, Mistake>> = {
  'an unknown plugin': {
    code: 'UNKNOWN_PLUGIN',
    config: { plugins: ['# plugins', 'rcpt_okk'] },
    where: 'config/plugins:2',
    says: /no plugin "rcpt_okk" is built in.*did you mean "rcpt_ok"\?/,
  },
  'a bad value of an option': {
    code: 'BAD_OPTION',
    config: { plugins: ['rcpt_ok', 'noop_counter many'] },
    where: 'config/plugins:2',
    says: /"noop_counter", option limit: "many" is not a whole number/,
  },
  'an unknown option': {
    code: 'UNKNOWN_OPTION',
    config: { plugins: 'rcpt_ok fast 1' },
    where: 'config/plugins:1',
    says: /"rcpt_ok" has no option "fast"/,
  },
  'a plugin twice': {
    code: 'DUPLICATE_PLUGIN',
    config: { plugins: ['rcpt_ok', 'noop_counter', 'rcpt_ok'] },
    where: 'config/plugins:3',
    says: /"rcpt_ok" is already loaded by .*config\/plugins:1.*rcpt_ok:1/,
  },
  'a file that cannot be read': {
    code: 'UNREADABLE_FILE',
    config: { plugins: 'rcpt_ok' },
    // Root may read whatever has a mode: a link to itself nobody can.
    prepare: (dir) => symlinkSync('databytes', join(dir, 'config', 'databytes')),
    where: 'config/databytes',
    says: /cannot be read: ELOOP/,
  },
  'a bad value': {
    code: 'BAD_VALUE',
    config: { plugins: 'rcpt_ok', timeout: ['# in seconds', 'soon'] },
    where: 'config/timeout:2',
    says: /"soon" is not /,
  },
  'a Perl plugin': {
    code: 'PERL_PLUGIN',
    config: mine,
    files: { 'plugins/mine': '#!perl -w\nuse strict;\nsub hook_rcpt { return DECLINED; }\n' },
    where: at4,
    says: /"mine": .*plugins\/mine is a Perl plugin.*mine\.ts/,
  },
  'a plugin with a syntax error': {
    code: 'UNLOADABLE_PLUGIN',
    config: mine,
    files: plugin('export default {\n  name: "mine",\n  oops oops\n};'),
    where: at4,
    says: /plugins\/mine\.ts/,
  },
  'a plugin that throws when it is loaded': {
    code: 'UNLOADABLE_PLUGIN',
    config: mine,
    files: plugin(`throw new Error('not today');`),
    where: at4,
    says: /plugins\/mine\.ts cannot be loaded: .*not today/,
  },
  'a plugin with an import that is not there': {
    code: 'UNLOADABLE_PLUGIN',
    config: mine,
    files: plugin(`import { x } from './nowhere.ts';\nexport default x;`),
    where: at4,
    says: /plugins\/mine\.ts cannot be loaded: .*nowhere/,
  },
  'a plugin with an enum': {
    code: 'UNLOADABLE_PLUGIN',
    config: mine,
    files: plugin('enum Colour { Red }\nexport default { name: "mine", setup: () => ({}) };'),
    where: at4,
    says: /enum/,
  },
  'a plugin with top-level await': {
    code: 'UNLOADABLE_PLUGIN',
    config: mine,
    files: plugin('await Promise.resolve();\nexport default { name: "mine", setup: () => ({}) };'),
    where: at4,
    says: /await/,
  },
  'a plugin without a default export': {
    code: 'NOT_A_PLUGIN',
    config: mine,
    files: plugin('export const name = "mine";'),
    where: at4,
    says: /definePlugin/,
  },
  'a plugin for a hook that there is not': {
    code: 'UNKNOWN_HOOK',
    config: mine,
    files: plugin('export default { name: "mine", summary: "", setup: () => ({ rctp() {} }) };'),
    where: at4,
    says: /"mine" registers for "rctp", which is no hook.*did you mean "rcpt"\?/,
  },
  'a plugin whose setup fails': {
    code: 'FAILED_SETUP',
    config: mine,
    files: plugin(
      `export default { name: 'mine', summary: '', async setup() { throw new Error('no database'); } };`,
    ),
    where: at4,
    says: /"mine" cannot be set up: no database/,
  },
  'plugins that extend each other': {
    code: 'CIRCULAR_EXTENDS',
    config: mine,
    files: {
      ...plugin(`export default { name: 'mine', summary: '', extends: 'yours', setup: () => ({}) };`),
      'plugins/yours.js': `module.exports = { name: 'yours', summary: '', extends: 'mine', setup: () => ({}) };`,
    },
    where: at4,
    says: /mine -> yours -> mine/,
  },
};

interface Finding {
  readonly severity: string;
  readonly code: string;
  readonly text: string;
  readonly hint: string | null;
  readonly where: { readonly file: string; readonly line?: number } | null;
}

function temporary(config: ConfigFiles, files: Readonly<Record<string, string>> = {}): string {
  const dir = makeServerDir({ config, files });
  cleanUp(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function start(dir: string, ...args: readonly string[]): Promise<Outcome> {
  const given = ['serve', '--config', join(dir, 'config'), '--listen', '127.0.0.1:0', ...args];
  return runProgram(given, { env: plainEnv(dir), cwd: dir, limitMs: 10_000 });
}

function check(dir: string, ...args: readonly string[]): Promise<Outcome> {
  return runProgram(['check-config', '--config', join(dir, 'config'), ...args], {
    env: plainEnv(dir),
    cwd: dir,
  });
}

function assertPlain(text: string): void {
  assert.doesNotMatch(text, /\x1b/, 'no colours');
  assert.doesNotMatch(text, /^\s+at /m, 'no stack trace');
  assert.doesNotMatch(text, /\bat \S+ \(?(?:node:|file:|\/)/, 'no stack trace');
}

function assertOneError(text: string, place: string, says: RegExp): void {
  assertPlain(text);
  const errors = text.split('\n').filter((line) => line.startsWith('error: '));
  assert.equal(errors.length, 1, `one error is due:\n${text}`);
  assert.ok(errors[0]?.startsWith(`error: ${place}: `), `the place is ${place}:\n${text}`);
  assert.match(errors[0] ?? '', says);
}

describe('mistakes in the configuration', () => {
  for (const [what, mistake] of Object.entries(mistakes)) {
    test(what, async () => {
      const { code, config, files, where, says } = mistake;
      const dir = temporary(config, files);
      mistake.prepare?.(dir);
      const place = join(dir, where);
      const [served, checked, json] = await Promise.all([start(dir), check(dir), check(dir, '--json')]);

      assert.equal(served.code, 1, served.stderr);
      assertOneError(served.stderr, place, says);
      assert.doesNotMatch(served.stderr, /Listening/);

      assert.equal(checked.code, 1, checked.stderr);
      assertOneError(checked.stderr, place, says);

      assert.equal(json.code, 1);
      const report: { ok: boolean; findings: Finding[] } = JSON.parse(json.stdout);
      assert.equal(report.ok, false);
      const errors = report.findings.filter(({ severity }) => severity === 'error');
      assert.deepEqual(
        errors.map((finding) => [finding.code, showWhere(finding)]),
        [[code, place]],
      );
    });
  }

  function showWhere({ where }: Finding): string {
    return where === null ? '' : `${where.file}${where.line === undefined ? '' : `:${where.line}`}`;
  }

  test('a circular $include is told with its chain; the other lines count (quirk 19)', async () => {
    const dir = temporary({
      plugins: ['rcpt_ok', '$include more'],
      more: ['noop_counter', '$include plugins'],
    });
    const { stderr } = await check(dir);
    assertPlain(stderr);
    const chain = ['plugins', 'more', 'plugins'].map((name) => join(dir, 'config', name)).join(' includes ');
    assert.ok(stderr.includes(`: ${join(dir, 'config', 'more')}:2: circular $include: ${chain}`), stderr);
    const { stdout } = await check(dir, '--json');
    const { plugins } = JSON.parse(stdout);
    assert.deepEqual(
      plugins.map(({ id }: { id: string }) => id),
      ['rcpt_ok', 'noop_counter'],
    );
  });

  test('several mistakes are told together', async () => {
    const dir = temporary({ plugins: ['rcpt_okk', 'noop_counter 0'], timeout: 'never', loglevel: 'loud' });
    const { code, stderr } = await check(dir);
    assert.equal(code, 1);
    for (const place of ['plugins:1', 'plugins:2', 'timeout:1', 'loglevel:1']) {
      assert.ok(stderr.includes(`error: ${join(dir, 'config', place)}: `), `${place} is missing:\n${stderr}`);
    }
  });

  test('a good configuration: exit code 0, each plugin with its source and place', async () => {
    const dir = temporary(
      { plugins: ['rcpt_ok', 'mine'], rcpthosts: 'b.example' },
      plugin(
        `import { definePlugin, ok } from 'qpsmtpd';
         export default definePlugin({ name: 'mine', summary: 'takes all', setup: () => ({ queue: () => ok() }) });`,
      ),
    );
    const text = await check(dir);
    assert.equal(text.code, 0, text.stderr);
    assertPlain(text.stdout + text.stderr);
    assert.equal(text.stderr, '');
    assert.match(text.stdout, /the configuration is good, 2 plugins are loaded/);
    assert.ok(text.stdout.includes(join(dir, 'plugins', 'mine.ts')));

    const json = await check(dir, '--json');
    const report = JSON.parse(json.stdout);
    const file = join(dir, 'config', 'plugins');
    assert.equal(json.code, 0);
    assert.deepEqual(report, {
      ok: true,
      findings: [],
      plugins: [
        { id: 'rcpt_ok', from: 'built in', hooks: ['rcpt'], where: { file, line: 1 } },
        { id: 'mine', from: join(dir, 'plugins', 'mine.ts'), hooks: ['queue'], where: { file, line: 2 } },
      ],
    });
  });
});

describe('mistakes on the command line', () => {
  let dir = '';
  before(() => {
    dir = temporary({ plugins: 'rcpt_ok' });
  });

  for (const [args, code, says] of [
    [['--listen', 'here'], 1, /^error: --listen: "here" is not ADDR:PORT/],
    [['--listen', '127.0.0.1:65536'], 1, /^error: --listen: "127\.0\.0\.1:65536" is not/],
    [
      ['--listen', '203.0.113.1:0', '--user', userInfo().username],
      1,
      /^error: --listen .*203\.0\.113\.1:0: this host has no such address$/m,
    ],
    [['--dns', 'nowhere'], 1, /^error: --dns: "nowhere" is not ADDR:PORT/],
    [['--max-from-ip', 'few'], 2, /^error: --max-from-ip few: a whole number is needed/],
    [['--fnord'], 2, /^error: Unknown option '--fnord' \(see qpsmtpd serve --help\)/],
    [['fnord'], 2, /^error: Unexpected argument 'fnord'/],
    [['--user', 'no-such-user'], 1, /^error: --user: there is no user "no-such-user" on this host/m],
    [['--pid-file', '/nonexistent/pid'], 1, /^error: --pid-file: \/nonexistent\/pid: cannot be written/m],
  ] as const) {
    test(`serve ${args.join(' ')}`, async () => {
      const outcome = await start(dir, ...args);
      assert.match(outcome.stderr, says);
      assertPlain(outcome.stderr);
      assert.equal(outcome.stderr.match(/^error: /gm)?.length, 1);
      assert.equal(outcome.code, code, 'the process ends with its exit code');
    });
  }

  test('a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    cleanUp(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    assert.ok(typeof address === 'object' && address !== null);
    const { code, stderr } = await start(dir, '--listen', `127.0.0.1:${address.port}`);
    assert.match(
      stderr,
      new RegExp(`^error: --listen .*127\\.0\\.0\\.1:${address.port}: the port is in use`, 'm'),
    );
    assertPlain(stderr);
    assert.equal(code, 1);
  });

  test('a pid file of a process that runs', async () => {
    const running = temporary({ plugins: 'rcpt_ok' }, { pid: String(process.pid) });
    const { code, stderr } = await start(running, '--pid-file', join(running, 'pid'));
    assert.match(
      stderr,
      new RegExp(`^error: --pid-file: .*/pid: a server with process id ${process.pid} is running`, 'm'),
    );
    assert.equal(code, 1);
  });

  test('a spool_dir that cannot be made', async () => {
    const poor = temporary({ plugins: 'rcpt_ok', spool_dir: '@DIR@/file/spool' }, { file: 'no folder' });
    const { code, stderr } = await start(poor);
    assert.match(stderr, /^error: .*file\/spool: /m);
    assertPlain(stderr);
    assert.equal(code, 1);
  });

  for (const args of [['fnord'], []]) {
    test(`qpsmtpd ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await runProgram(args, { env: plainEnv(dir) });
      assert.notEqual(code, 0);
      assertPlain(stdout + stderr);
      assert.match(stdout + stderr, /serve.*check-config.*test-plugin/);
    });
  }
});

describe('help and version are plain text where there is no terminal', () => {
  const env = plainEnv('/');

  test('the program', async () => {
    const { code, stdout, stderr } = await runProgram(['--help'], { env });
    assert.equal(code, 0);
    assertPlain(stdout + stderr);
    for (const name of ['serve', 'check-config', 'test-plugin'])
      assert.match(stdout, new RegExp(`^ +${name} `, 'm'));
    assert.equal(stderr, '');
  });

  for (const name of ['serve', 'check-config', 'test-plugin']) {
    test(name, async () => {
      const [help, version] = await Promise.all([
        runProgram([name, '--help'], { env }),
        runProgram([name, '--version'], { env }),
      ]);
      assert.equal(help.code, 0);
      assertPlain(help.stdout + help.stderr);
      assert.match(help.stdout, new RegExp(`^USAGE qpsmtpd ${name} `, 'm'));
      assert.equal(version.code, 0);
      assert.match(version.stdout, /^\d+\.\d+\.\d+\S*\n$/);
    });
  }
});
