// `qpsmtpd check-config --show` as a process of its own.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainEnv, runProgram } from '../../support/program.ts';
import { type Files, tempFolder } from './support.ts';

const good = {
  'etc/plugins': 'rcpt_ok\nqueue/discard\n',
  'etc/rcpthosts': 'example.org\n',
  'etc/databytes': '5000\n',
};

async function checkConfig(...args: readonly string[]) {
  return checkFiles(good, ...args);
}

async function checkFiles(files: Files, ...args: readonly string[]) {
  const cwd = tempFolder(files);
  const all = ['check-config', '--config', 'etc', '--user', 'root', ...args];
  return { cwd, ...(await runProgram(all, { cwd, env: plainEnv(cwd, { DATABYTES: '777' }) })) };
}

describe('check-config --show', () => {
  it('prints columns that line up, and nothing else', async () => {
    const { code, stdout, stderr } = await checkConfig('--show');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^config +databytes +777 +environment DATABYTES$/m);
    const lines = stdout.trimEnd().split('\n');
    const columns = new Set(lines.map((line) => line.search(/(?<=^\S+ +\S+.*? {2,})\S/)));
    assert.ok(lines.length > 50);
    assert.equal(columns.size, 1, stdout);
  });

  it('prints the same as JSON', async () => {
    const { code, stdout, cwd } = await checkConfig('--show', '--json', 'rcpthosts');
    assert.equal(code, 0);
    const { ok, findings, effective } = JSON.parse(stdout);
    assert.deepEqual({ ok, findings }, { ok: true, findings: [] });
    const origin = { from: 'file', file: `${cwd}/etc/rcpthosts`, line: 1 };
    assert.deepEqual(effective[0], { kind: 'config', name: 'rcpthosts', value: 'example.org', origin });
    assert.equal(effective[1].name, 'rcpt_ok rcpthosts');
  });

  it('is what names are for', async () => {
    const { code, stdout, stderr } = await checkConfig('rcpthosts');
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^error: rcpthosts: names are for --show/);
  });

  it('waits for a plugin that does not answer no longer than it may take', async () => {
    const slow =
      "export default { name: 'slow', summary: 'x', setup: () => ({ config: () => new Promise(() => {}) }) };\n";
    const files = {
      'etc/plugins': 'slow hook_timeout 0.05\nqueue/discard\n',
      'etc/plugin_dirs': 'own\n',
      'own/slow.mjs': slow,
    };
    const { code, stdout, stderr } = await checkFiles(files, '--show', 'databytes');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^config +databytes +777 +environment DATABYTES\n$/);
  });
});
