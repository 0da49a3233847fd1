// config.example is what a first start serves, and what people copy.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { bundledPlugins } from '../../plugins/index.ts';
import { knownFileNames } from '../../src/config/known-files.ts';
import { run, textOf } from './support.ts';

const names = readdirSync(join(import.meta.dirname, '../../config.example'));
const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-config-example-'));
after(() => rmSync(folder, { recursive: true }));

const entriesOf = (file: string): string[] =>
  textOf(`config.example/${file}`)
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));

interface Found {
  readonly severity: string;
  readonly code: string;
  readonly where: { readonly file: string } | null;
}

/** Errors and warnings. That a list waits for its plugin, which is commented out, is only told. */
function check(dir: string): readonly Found[] {
  const { status, stdout, said } = run('src/main.ts', 'check-config', '--config', dir, '--json');
  assert.equal(status, 0, said);
  const { findings }: { findings: readonly Found[] } = JSON.parse(stdout);
  return findings.filter(({ severity }) => severity !== 'info');
}

describe('config.example', () => {
  it('has nothing that check-config finds fault with', () => {
    assert.deepEqual(check('config.example'), []);
  });

  it('has no mistake either in the lines that are commented out', () => {
    const copy = join(folder, 'all-lines');
    cpSync(join(import.meta.dirname, '../../config.example'), copy, { recursive: true });
    let uncommented = 0;
    for (const name of names) {
      const text = readFileSync(join(copy, name), 'utf8');
      uncommented += text.match(/^#\S/gm)?.length ?? 0;
      writeFileSync(join(copy, name), text.replace(/^#(?=\S)/gm, ''));
    }
    assert.ok(uncommented > 0);
    // One queue plugin is meant to take the place of another: with all of them, the first takes everything, and mail
    // may go to another server.
    const all = check(copy).map(({ code }) => code);
    assert.deepEqual(new Set(all), new Set(['PLUGIN_ORDER', 'ROUTED_ADDRESS']));
  });

  it('has only files that the core or a plugin reads', async () => {
    const plugins = await Promise.all(Object.values(bundledPlugins).map((load) => load()));
    const known = new Set<string>([
      ...knownFileNames,
      ...plugins.flatMap((module) => Object.keys(module.default.files ?? {})),
    ]);
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    );
  });

  it('says in each file what it is for', () => {
    for (const name of names) assert.match(textOf(`config.example/${name}`), /^# [A-Z]/, name);
  });

  it('lets naughty speak before rcpt_ok, which ends the chain, and takes mail below var/ only', () => {
    const plugins = entriesOf('plugins').map((line) => line.split(' ')[0]);
    assert.ok(plugins.includes('naughty'));
    assert.ok(plugins.indexOf('naughty') < plugins.indexOf('rcpt_ok'));
    assert.ok(entriesOf('plugins').includes('queue/maildir var/Maildir'));
    assert.deepEqual(entriesOf('spool_dir'), ['var/spool']);
  });
});
