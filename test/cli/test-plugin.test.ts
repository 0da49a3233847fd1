// `qpsmtpd test-plugin` as a process of its own.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { type Outcome, plainEnv, runProgram } from '../support/program.ts';

const relayed = `# a relay client may send anywhere
plugins  relay
plugins  rcpt_ok
config   relayclients | 192.0.2.1
C: EHLO client.example
`;
const greeting = '# the server greets\nS: 220 *\n';

/** Runs it in a folder with these files. */
async function testPlugin(
  files: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Outcome> {
  const cwd = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(cwd, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  return runProgram(['test-plugin', ...args], { cwd, env: plainEnv(cwd) });
}

describe('test-plugin', () => {
  it('prints the conversation and passes', async () => {
    const { code, stdout, stderr } = await testPlugin(
      { 'a.smtp': greeting },
      'relay',
      '--transcript',
      'a.smtp',
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^S: 220 mx\.example ESMTP /m);
    assert.match(stdout, /^ {3}log {2}\S+ \(connect\) relay: skip, no match$/m);
    assert.match(stdout, /\nok {2}a\.smtp: the server greets\n1 passed, 0 failed\n$/);
  });

  it('prints with --quiet whether each one passed, and fails with the line when one did not', async () => {
    const files = { 'good.smtp': greeting, 'bad.smtp': `${greeting}C: NOOP\nS: 251 *\n` };
    const args = ['--transcript', 'good.smtp', '--transcript', 'bad.smtp', '--quiet'];
    const { code, stdout } = await testPlugin(files, 'relay', ...args);
    assert.equal(code, 1);
    const [good, bad, sum] = stdout.split('\n');
    assert.equal(good, 'ok  good.smtp: the server greets');
    assert.equal(bad, 'FAILED  bad.smtp: line 4: expected "251 *", got "250 2.0.0 ok"');
    assert.equal(sum, '1 passed, 1 failed');
  });

  it('fails where a reply is not expected, a reply is missing, or the connection is closed', async () => {
    const cases = [
      ['S: 220\nC: NOOP\n', /line 3: a reply nobody expected: 250 2\.0\.0 ok$/m],
      ['S: 220\nC: NOOP\nC: RSET\n', /line 4: a reply nobody expected: 250 2\.0\.0 ok$/m],
      ['S: 220\nS: 250\n', /line 3: expected a reply 250, got none$/m],
      ['S: 220\nS: (closed)\n', /line 3: the server has not closed the connection$/m],
      ['S: 220\nC: QUIT\nS: 221\nC: NOOP\n', /line 5: the server has closed the connection$/m],
      ['S: 220\nN: connection karma = 1\n', /line 3: the connection note karma is "\(unset\)"$/m],
      ['S: 220\nF: nothing/* ~ x\n', /line 3: 0 files match nothing\/\*$/m],
      ['S: 220\nL: never said\n', /line 3: no such log line; there were:$/m],
    ] as const;
    const files = Object.fromEntries(cases.map(([text], at) => [`${at}.smtp`, `# it fails\n${text}`]));
    const args = Object.keys(files).flatMap((file) => ['--transcript', file]);
    const { code, stdout } = await testPlugin(files, 'relay', '--quiet', ...args);
    assert.equal(code, 1);
    for (const [, expected] of cases) assert.match(stdout, expected);
    assert.match(stdout, /\n0 passed, 8 failed\n$/);
  });

  it('takes a plugin from a file', async () => {
    const plugin = `import { definePlugin, deny } from 'qpsmtpd';
export default definePlugin({
  name: 'grumpy', summary: 'likes nobody',
  setup: () => ({ connect: () => deny('not you') }),
});\n`;
    const files = { 'grumpy.ts': plugin, 'a.smtp': '# nobody is liked\nS: 550 5.7.1 not you\nS: (closed)\n' };
    const { code, stderr, stdout } = await testPlugin(files, './grumpy.ts', '--transcript', 'a.smtp');
    assert.equal(code, 0, stderr + stdout);
  });

  it('puts words in place of those of the line in the transcript', async () => {
    const text = '# %\nplugins  count_unrecognized_commands 1\nS: 220\nC: X\nS: 500\n';
    const args = ['--transcript', 'a.smtp'];
    assert.equal((await testPlugin({ 'a.smtp': text }, 'count_unrecognized_commands', ...args)).code, 1);
    assert.equal((await testPlugin({ 'a.smtp': text }, 'count_unrecognized_commands', '2', ...args)).code, 0);
  });

  it('finds the line of a logging plugin, too', async () => {
    const text =
      '# %\nlogging  logging/file %{tmp}/a\nS: 220 *\nC: NOOP\nS: 250\nF: a ~ *: dispatching NOOP\n';
    const args = ['--transcript', 'a.smtp'];
    assert.equal((await testPlugin({ 'a.smtp': text }, 'logging/file', ...args)).code, 1);
    const words = ['loglevel', '6', '%{tmp}/a'];
    const { code, stdout } = await testPlugin({ 'a.smtp': text }, 'logging/file', ...words, ...args);
    assert.equal(code, 0, stdout);
  });

  it('leaves the other lines of the transcript as they are', async () => {
    const text = `${relayed.replace('C: EHLO', 'S: 220\nC: EHLO')}S: 250\nC: MAIL FROM:<>\nS: 250\nC: RCPT TO:<a@elsewhere.example>\nS: 250\n`;
    assert.equal((await testPlugin({ 'a.smtp': text }, 'rcpt_ok', '--transcript', 'a.smtp')).code, 0);
  });

  const mistakes: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['no plugin', ['--transcript', 'a.smtp'], 1, /which plugin\?/],
    ['no transcript', ['relay'], 1, /no transcript: give at least one --transcript FILE/],
    ['a transcript that is missing', ['relay', '--transcript', 'none.smtp'], 1, /none\.smtp: ENOENT/],
    [
      'a transcript with a mistake',
      ['relay', '--transcript', 'broken.smtp'],
      1,
      /broken\.smtp:2: expected: /,
    ],
    [
      'a plugin file that is missing',
      ['none.ts', '--transcript', 'a.smtp'],
      1,
      /none\.ts: there is no such file/,
    ],
    ['an unknown option', ['relay', '--transcrip', 'a.smtp'], 2, /Unknown option '--transcrip'/],
  ];
  for (const [what, args, exit, message] of mistakes) {
    it(`says so: ${what}`, async () => {
      const { code, stderr } = await testPlugin(
        { 'a.smtp': greeting, 'broken.smtp': '# x\nnonsense\n' },
        ...args,
      );
      assert.equal(code, exit, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  it('fails with the mistake in the configuration of the transcript', async () => {
    const { code, stdout } = await testPlugin({ 'a.smtp': greeting }, 'nonesuch', '--transcript', 'a.smtp');
    assert.equal(code, 1);
    assert.match(stdout, /^FAILED {2}a\.smtp: .*nonesuch/m);
  });
});
