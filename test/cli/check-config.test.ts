// `qpsmtpd check-config` as a process of its own.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { type Outcome, plainEnv, runProgram } from '../support/program.ts';

const good = {
  plugins: 'rcpt_ok\nqueue/maildir Maildir\n',
  me: 'mx.example\n',
  rcpthosts: 'example.org\n',
};

type Files = Readonly<Record<string, string>>;

async function checkConfig(
  files: Files,
  ...args: readonly string[]
): Promise<Outcome & { readonly cwd: string }> {
  const cwd = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(cwd, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(cwd, 'etc', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replaceAll('@DIR@', cwd));
  }
  const all = ['check-config', '--config', 'etc', ...args];
  return { cwd, ...(await runProgram(all, { cwd, env: plainEnv(cwd) })) };
}

describe('check-config', () => {
  it('is content with a good configuration', async () => {
    const { code, stdout, stderr } = await checkConfig(good);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'the configuration is good, 2 plugins are loaded\n');
    assert.equal(stderr, '');
  });

  it('warns of an entry that was a pattern in Perl and is an address here', async () => {
    const lists = {
      plugins: 'badmailfrom\nrcpt_ok\nqueue/maildir Maildir\n',
      badmailfrom: '^bob@example.com\n',
    };
    const { code, stderr } = await checkConfig({ ...good, ...lists });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^warn: \S*etc\/badmailfrom:1: "\^bob@example\.com" is taken for an address/);
  });

  const mistakes: readonly (readonly [string, Files, RegExp])[] = [
    [
      'a list of a plugin with an include that is none',
      { plugins: 'badmailfrom\nrcpt_ok\nqueue/maildir Maildir\n', badmailfrom: '\n$include a b\n' },
      /^error: \S*etc\/badmailfrom:2: .*\$include NAME/m,
    ],
    [
      'a broken database of a plugin',
      { ...good, 'morercpthosts.cdb': 'x' },
      /^error: \S*etc\/morercpthosts\.cdb: is not a constant database/m,
    ],
    ['an unknown plugin', { plugins: 'rcpt_okay\n' }, /^error: \S*etc\/plugins:1: .*rcpt_okay/m],
    ['a plugin twice', { plugins: 'rcpt_ok\nrcpt_ok\n' }, /^error: \S*etc\/plugins:2: .*rcpt_ok/m],
    ['an unknown word', { plugins: 'relay onyl\n' }, /^error: \S*etc\/plugins:1: .*onyl/m],
    [
      'a bad value of a plugin',
      { plugins: 'count_unrecognized_commands x\n' },
      /^error: \S*etc\/plugins:1: /m,
    ],
    ['a bad value of the core', { databytes: 'lots\n' }, /^error: \S*etc\/databytes:1: /m],
    [
      'a route to no plugin',
      { queue_routes: 'a.example queue/maildir\nb.example queue/mailbox\n' },
      /^error: \S*etc\/queue_routes:2: no line of plugins is named "queue\/mailbox"/m,
    ],
    [
      'a bad line in a file of a plugin',
      { plugins: 'relay\n', relayclients: '# x\n10.1\n' },
      /^error: \S*etc\/relayclients:2: /m,
    ],
    [
      'a plugin on disk that is none',
      { plugin_dirs: '@DIR@/etc/own\n', plugins: 'odd\n', 'own/odd.ts': 'export default 5;\n' },
      /^error: \S*etc\/plugins:1: .*odd/m,
    ],
    [
      'a plugin on disk with a hook that is none',
      {
        plugin_dirs: '@DIR@/etc/own\n',
        plugins: 'odd\n',
        'own/odd.mjs': "export default { name: 'odd', summary: 'x', setup: () => ({ rctp: () => {} }) };\n",
      },
      /^error: \S*etc\/plugins:1: .*rctp/m,
    ],
  ];
  for (const [what, files, message] of mistakes) {
    it(`fails for ${what}, with file and line`, async () => {
      const { code, stdout, stderr } = await checkConfig({ ...good, ...files });
      assert.equal(code, 1, stdout);
      assert.match(stderr, message);
      assert.equal(stdout, '');
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  for (const [line, hint] of [
    ['badmailfrom rejekt 1', 'did you mean "reject"?'],
    ['rcpt_ok lglevel 3', 'did you mean "loglevel"?'],
    ['queue/discard fnord', 'it has no options of its own'],
    ['badmailfrom fnord', 'its own options: reject, reject_type'],
    ['queue/lmtp serve=x', 'did you mean the option "server"?'],
  ] as const) {
    it(`says what may be meant by "${line}"`, async () => {
      const { code, stderr } = await checkConfig({ ...good, plugins: `${line}\n` });
      assert.equal(code, 1);
      assert.match(stderr, /^error: \S*etc\/plugins:1: /);
      assert.ok(stderr.includes(` (${hint})\n`), stderr);
    });
  }

  it('reports all mistakes at once', async () => {
    const { code, stderr } = await checkConfig({ plugins: 'one\ntwo\n', databytes: 'x\n', timeout: '0\n' });
    assert.equal(code, 1);
    assert.equal(stderr.match(/^error: /gm)?.length, 4, stderr);
  });

  it('warns of a server that can take no mail, and is content', async () => {
    const { code, stdout, stderr } = await checkConfig({ plugins: 'relay\n' });
    assert.equal(code, 0);
    assert.match(stderr, /^warn: \S*etc\/plugins: no plugin handles the hook rcpt: /m);
    assert.match(stderr, /^warn: \S*etc\/plugins: no plugin handles the hook queue: /m);
    assert.match(stdout, /^the configuration can be used, with 2 warnings, 1 plugin is loaded$/m);
  });

  describe('--strict', () => {
    for (const [what, files, code] of [
      ['is content with a good configuration', good, 0],
      ['does not count what is only told', { ...good, shopping: 'x\n' }, 0],
      ['ends with 2 for a warning', { ...good, plugins: 'rcpt_ok\nbadrcptto\nqueue/maildir Maildir\n' }, 2],
      ['ends with 1 for an error', { ...good, plugins: 'rcpt_ok\nbadrcptto\nodd\n' }, 1],
    ] as const) {
      it(what, async () => {
        const strict = await checkConfig(files, '--strict');
        assert.equal(strict.code, code, strict.stderr);
        const { code: usual } = await checkConfig(files);
        assert.equal(usual, code === 2 ? 0 : code);
        assert.equal(strict.stdout.startsWith('the configuration is good, '), code === 0);
      });
    }
  });

  it('tells of mistakes in lines and of the rest in one go', async () => {
    const files = { plugins: 'rcpt_ok odd\nqueue/maildir Maildir\n', rcpthost: 'x\n', shopping: 'x\n' };
    const { code, stderr } = await checkConfig(files);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: \S*etc\/plugins:1: plugin "rcpt_ok" has no option "odd" \(it has no options of its own\)$/m,
    );
    assert.match(stderr, /^warn: \S*etc\/rcpthost: nothing reads .* \(did you mean "rcpthosts"\?\)$/m);
    assert.match(stderr, /^info: \S*etc\/shopping: nothing reads this file$/m);
    assert.doesNotMatch(stderr, /no plugin handles/, 'a line that could not be loaded is told already');
  });

  it('prints the same as JSON', async () => {
    const { code, stdout, stderr } = await checkConfig({ ...good, databytes: 'x\n' }, '--json');
    assert.equal(code, 1);
    assert.equal(stderr, '');
    const { ok, findings, plugins } = JSON.parse(stdout);
    assert.equal(ok, false);
    assert.equal(findings.length, 1);
    assert.equal(findings[0].severity, 'error');
    assert.deepEqual(Object.keys(findings[0]), ['severity', 'code', 'where', 'text', 'hint']);
    assert.equal(findings[0].code, 'BAD_VALUE');
    assert.match(findings[0].where.file, /etc\/databytes$/);
    assert.equal(findings[0].where.line, 1);
    assert.match(findings[0].text, /^"x" is not a whole number/);
    assert.equal(findings[0].hint, null);
    assert.deepEqual(
      plugins.map(({ id, from }: { id: string; from: string }) => [id, from]),
      [
        ['rcpt_ok', 'built in'],
        ['queue/maildir', 'built in'],
      ],
    );
    assert.ok(plugins[0].hooks.includes('rcpt'));
  });

  it('tells of plugins together as long as each of them could be loaded', async () => {
    const plugins = 'rcpt_ok\nbadrcptto\nqueue/maildir Maildir\n';
    const { stderr } = await checkConfig({ plugins, databytes: 'x\n' });
    assert.match(stderr, /^error: \S*etc\/databytes:1: /m);
    assert.match(stderr, /^warn: \S*etc\/plugins:1: plugin "rcpt_ok" stands above "badrcptto" \(line 2\)/m);
  });

  it('tells of a bad line once, although core and plugin read it', async () => {
    const { stderr } = await checkConfig({ ...good, rcpthosts: 'example.org\nexample.net # mine\n' });
    assert.match(stderr, /^error: \S*etc\/rcpthosts:2: [^\n]*\n$/);
  });

  it('shows no control bytes, in names of files neither', async () => {
    const { code, stdout, stderr } = await checkConfig({ ...good, 'a\x1b[31m\x9b\n': '' }, '--show');
    assert.equal(code, 0);
    assert.match(stderr, /^info: \S*etc\/a\\x1b\[31m\\x9b\\x0a: nothing reads this file\n$/);
    assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    const json = await checkConfig({ ...good, 'a\x1b[31m\x9b\n': '' }, '--json');
    assert.doesNotMatch(json.stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    const [finding] = JSON.parse(json.stdout).findings;
    assert.equal(finding.where.file, join(json.cwd, 'etc', 'a\x1b[31m\x9b\n'));
  });

  it('names the plugins that are not its own', async () => {
    const plugin = "export default { name: 'mine', summary: 'x', setup: () => ({}) };\n";
    const files = {
      plugin_dirs: '@DIR@/etc/own\n',
      plugins: `mine\n${good.plugins}`,
      'own/mine.mjs': plugin,
    };
    const { code, stdout, stderr, cwd } = await checkConfig(files);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.endsWith(`\n  mine is ${join(cwd, 'etc', 'own', 'mine.mjs')}\n`), stdout);
  });

  it('has exit code 2 for an unknown option', async () => {
    const { code, stderr } = await checkConfig(good, '--jsno');
    assert.equal(code, 2);
    assert.match(stderr, /^error: Unknown option '--jsno' \(see qpsmtpd check-config --help\)$/m);
  });
});
