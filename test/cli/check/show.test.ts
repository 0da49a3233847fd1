// `check-config --show`: what is in effect, and where it comes from.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { askedOfHooks } from '../../../src/cli/show/core-values.ts';
import { effectiveConfig } from '../../../src/cli/show/effective.ts';
import { factLines } from '../../../src/cli/show/facts.ts';
import { knownFileNames } from '../../../src/config/known-files.ts';
import { contextOf, type Files } from './support.ts';

interface Given {
  readonly names?: readonly string[];
  readonly overrides?: Readonly<Record<string, string>>;
}

/** Lines with single blanks, and the folder cut off. */
async function show(files: Files, { names = [], overrides = {} }: Given = {}): Promise<string[]> {
  const { engine, dir, findings } = await contextOf(files, { overrides });
  assert.deepEqual(findings, []);
  const text = factLines(await effectiveConfig(engine, names)).replaceAll(`${dir}/`, '');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ {2,}/g, '  '));
}

const own = (body: string) => ({
  plugin_dirs: '@DIR@/own\n',
  './own/own.mjs': `import { definePlugin, option, answer, declined } from 'qpsmtpd';
export default definePlugin({ name: 'own', summary: 'x', ${body} });\n`,
});

describe('a file of the core', () => {
  it('is shown with file and line, those of what is included too', async () => {
    const files = {
      rcpthosts: '# ours\na.example\n$include more\n',
      more: '\nb.example\n',
      databytes: ' 5000 \n',
    };
    assert.deepEqual(await show(files, { names: ['rcpthosts', 'databytes'] }), [
      'config  rcpthosts  a.example  etc/rcpthosts:2',
      'config  rcpthosts  b.example  etc/more:2',
      'config  databytes  5000  etc/databytes:1',
    ]);
  });

  it('is shown with its default', async () => {
    assert.deepEqual(await show({}, { names: ['me', 'spool_perms', 'smtpgreeting', 'rcpthosts'] }), [
      'config  me  mx.example  default',
      'config  spool_perms  0700  default',
      'config  smtpgreeting  name and version of the server  default',
      'config  rcpthosts  none  default',
    ]);
  });

  it('is shown with its default where it makes no sense', async () => {
    assert.deepEqual(await show({ databytes: 'lots\n' }, { names: ['databytes'] }), [
      'config  databytes  0  default',
    ]);
  });

  it('is shown as the environment has it', async () => {
    const given = { overrides: { databytes: '777' }, names: ['databytes'] };
    assert.deepEqual(await show({ databytes: '5\n' }, given), [
      'config  databytes  777  environment DATABYTES',
    ]);
  });

  it('is shown as a plugin has it, where the server asks plugins', async () => {
    const files = own(
      "setup: () => ({ config: (at, file) => (/^(me|timeout)$/.test(file) ? answer(['77']) : declined) })",
    );
    const names = ['me', 'timeout', 'databytes'];
    assert.deepEqual(await show({ ...files, plugins: 'relay\nown\n', databytes: '5\n' }, { names }), [
      'config  me  77  config hook of plugin own',
      'config  timeout  1200  default',
      'config  databytes  5  etc/databytes:1',
    ]);
  });

  it('is shown with the value in effect: a folder of the home', async () => {
    const { engine, dir } = await contextOf({ spool_dir: '~/spool/\n' });
    const [fact] = await effectiveConfig(engine, ['spool_dir']);
    assert.equal(fact?.value, join(dir, 'spool'));
  });

  it('is never missing', async () => {
    const lines = await show({});
    for (const name of knownFileNames)
      assert.ok(
        lines.some((line) => line.startsWith(`config  ${name} `)),
        name,
      );
  });

  it('is asked of plugins exactly where the core does so', () => {
    const src = join(import.meta.dirname, '..', '..', '..', 'src');
    const asked = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [
        ...readFileSync(join(src, file), 'utf8').matchAll(/\blookup\.value\('([\w-]+)'\)/g),
      ])
      .map(([, name = '']) => name);
    assert.deepEqual([...new Set(asked)].sort(), [...askedOfHooks].sort());
  });
});

describe('a plugin', () => {
  it('is shown with its options, lists and hooks', async () => {
    const files = { plugins: 'relay:1 only yes loglevel 3\n', relayclients: '192.0.2.1\n# x\n192.0.2.2\n' };
    assert.deepEqual(await show(files, { names: ['relay:1'] }), [
      'plugin  relay:1  built in  etc/plugins:1',
      'option  relay:1 only  yes  etc/plugins:1',
      'option  relay:1 loglevel  3  etc/plugins:1',
      'option  relay:1 on_error  open  default',
      'handles  relay:1  connect rcpt  etc/plugins:1',
      'list  relay:1 norelayclients  no lines  default',
      'list  relay:1 relayclients  2 lines  etc/relayclients:1',
      'list  relay:1 morerelayclients  no file  default',
    ]);
  });

  it('is shown with its defaults and its file on disk', async () => {
    const files = own(
      "options: { size: option.mode({ default: 0o640, doc: 'x' }), to: option.text({ doc: 'x' }) }, setup: () => ({})",
    );
    const lines = await show({ ...files, plugins: 'own on_error deny\n' }, { names: ['own'] });
    assert.deepEqual(lines.slice(0, 4), [
      'plugin  own  own/own.mjs  etc/plugins:1',
      'option  own size  0640  default',
      'option  own to  -  default',
      'option  own on_error  deny  etc/plugins:1',
    ]);
  });

  it('keeps what is secret to itself, behind another plugin too', async () => {
    const files = own(
      "options: { password: option.text({ secret: true, doc: 'x' }) }, positional: ['password'], setup: () => ({ queue: () => declined })",
    );
    const plugins = 'own hush-hush\nqueue/spool @DIR@/spool via own password=hush-hush\n';
    const text = (await show({ ...files, plugins })).join('\n');
    assert.doesNotMatch(text, /hush/);
    assert.match(text, /^option {2}own password {2}\(secret\) {2}etc\/plugins:1$/m);
    assert.match(text, /^option {2}queue\/spool via {2}own password=\(secret\) {2}etc\/plugins:2$/m);
  });
});

describe('the ways of mail', () => {
  it('are the handlers of each hook, in their order', async () => {
    const plugins = 'badrcptto\nnaughty\nrcpt_ok\n';
    assert.deepEqual(await show({ plugins }, { names: ['rcpt'] }), [
      'hook  rcpt  badrcptto naughty rcpt_ok  in this order',
    ]);
  });

  it('are queues and routes', async () => {
    const files = {
      plugins: 'queue/maildir a\nqueue/discard\nqueue/maildir:2 b\n',
      queue_routes: 'a.example queue/maildir:2\n',
    };
    const queues = (await show(files)).filter((line) => line.startsWith('queue '));
    assert.deepEqual(queues, [
      'queue  a.example  queue/maildir:2  etc/queue_routes:1',
      'queue  (recipients without a route)  queue/maildir queue/discard  in this order',
    ]);
  });
});

describe('extensions', () => {
  const extensions = async (files: Files) =>
    (await show(files)).filter((line) => line.startsWith('extension '));

  it('are offered or not for a reason', async () => {
    const plugins = 'queue/maildir a\nqueue/smtp-forward 192.0.2.1\n';
    const lines = await extensions({ plugins, extensions: 'CHUNKING off\nPRDR off\nDSN on\n' });
    const of = (keyword: string) => lines.find((line) => line.startsWith(`extension  ${keyword} `));
    assert.equal(of('PIPELINING'), 'extension  PIPELINING  offered  default');
    assert.equal(of('CHUNKING'), 'extension  CHUNKING  not offered  etc/extensions:1');
    assert.equal(of('DSN'), 'extension  DSN  offered  etc/extensions:3');
    assert.equal(
      of('SMTPUTF8'),
      'extension  SMTPUTF8  offered  queue/maildir, queue/smtp-forward can carry it on',
    );
    assert.equal(of('MT-PRIORITY'), 'extension  MT-PRIORITY  not offered  queue/maildir cannot carry it on');
    assert.equal(of('BINARYMIME'), 'extension  BINARYMIME  not offered  needs CHUNKING');
  });

  it('have nobody to carry them on without a queue plugin', async () => {
    const lines = await extensions({});
    const reason = 'no queue plugin is loaded that could carry it on';
    assert.ok(lines.includes(`extension  DSN  not offered  ${reason}`), lines.join('\n'));
  });

  it('come from plugins too', async () => {
    const lines = await extensions({
      plugins: 'auth/auth_flat_file\n',
      flat_auth_pw: 'u@example.org:{PLAIN}x\n',
    });
    assert.match(
      lines.at(-1) ?? '',
      /^extension {2}AUTH {2}offered .*PLAIN.* {2}by plugins, to a stranger in clear$/,
    );
  });
});

describe('names behind --show', () => {
  it('have to be there', async () => {
    const { engine } = await contextOf({});
    await assert.rejects(effectiveConfig(engine, ['databyte']), /^Error: --show: there is no .* "databyte"$/);
  });
});
