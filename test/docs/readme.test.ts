// What README.md and CONTRIBUTING.md tell people to type works, and what they link to is there.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { bundledPlugins } from '../../plugins/index.ts';
import { knownFileNames } from '../../src/config/known-files.ts';
import { commonOptions } from '../../src/engine/plugin-words.ts';
import { root, run, textOf } from './support.ts';

const readme = textOf('README.md');
const contributing = textOf('CONTRIBUTING.md');
const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-readme-'));
after(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

/** Lines of code of the kind that is set off by four blanks; blocks in their order. */
function indentedBlocks(text: string): string[] {
  return [...text.matchAll(/(?<=\n\n)(?: {4}.*\n)+/g)].map(([block]) => block.replace(/^ {4}/gm, ''));
}

function fenced(text: string, language: string): string {
  const block = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].find(([, word]) => word === language);
  assert.ok(block?.[2] !== undefined, `no code block of the kind "${language}"`);
  return block[2];
}

describe('README.md and CONTRIBUTING.md', () => {
  for (const [file, text] of Object.entries({ 'README.md': readme, 'CONTRIBUTING.md': contributing })) {
    it(`${file} names scripts that package.json has`, () => {
      const named = text.matchAll(/\bnpm (?:run ([\w:]+)|(test|start)\b)/g);
      const scripts = [...named].map(([, script, own]) => script ?? own ?? '');
      assert.ok(scripts.length > 3);
      for (const script of scripts) assert.ok(Object.hasOwn(packageJson.scripts, script), script);
    });

    it(`${file} links to files that are there`, () => {
      const links = [...text.matchAll(/\]\(([^):#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
      assert.ok(links.length > 3);
      for (const link of links) assert.ok(existsSync(join(root, link)), link);
    });
  }

  it('are short enough to be read', () => {
    assert.ok(readme.split('\n').length < 250);
  });
});

describe('the plugin in README.md', () => {
  const plugin = write('recipient_limit.ts', fenced(readme, 'ts'));
  const transcript = write('recipient_limit.smtp', fenced(readme, ''));

  it('has correct types', () => {
    const project = write('tsconfig.json', fenced(readme, 'json').replaceAll('../qpsmtpd', root));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });

  it('does what its transcript says', () => {
    const { status, said } = run('src/main.ts', 'test-plugin', plugin, '--transcript', transcript);
    assert.equal(status, 0, said);
    assert.match(said, /^1 passed, 0 failed$/m);
  });

  it('is found through plugin_dirs', () => {
    const config = join(folder, 'with-plugin');
    mkdirSync(config);
    writeFileSync(join(config, 'plugin_dirs'), `${folder}\n`);
    writeFileSync(join(config, 'plugins'), 'recipient_limit 2\n');
    const { status, said } = run('src/main.ts', 'check-config', '--config', config);
    assert.equal(status, 0, said);
    assert.ok(said.includes(`recipient_limit is ${plugin}`), said);
  });

  it('would not pass with another limit', () => {
    const { status, said } = run('src/main.ts', 'test-plugin', plugin, '3', '--transcript', transcript);
    assert.equal(status, 1, said);
  });
});

describe('the transcript in CONTRIBUTING.md', () => {
  it('passes', () => {
    const block = indentedBlocks(contributing).find((text) => text.includes('S: 220'));
    const file = write('contributing.smtp', block ?? '');
    const { status, said } = run('src/main.ts', 'test-plugin', 'badmailfrom', '--transcript', file);
    assert.equal(status, 0, said);
  });
});

describe('the configuration in README.md', () => {
  it('has lines of config/plugins that check-config takes', () => {
    const block = indentedBlocks(readme).find((text) => text.startsWith('badmailfrom'));
    const config = join(folder, 'config');
    mkdirSync(config);
    writeFileSync(join(config, 'plugins'), block ?? '');
    const { status, said } = run('src/main.ts', 'check-config', '--config', config);
    assert.equal(status, 0, said);
    assert.match(said, /\b5 plugins are loaded/);
  });

  it('has every word that a line may have', () => {
    for (const word of Object.keys(commonOptions)) assert.match(readme, new RegExp(`\`${word}\\b`), word);
  });

  it('names only files that are read', async () => {
    const [, table = ''] = /^\| file .*\n\|.*\n((?:\|.*\n)+)/m.exec(readme) ?? [];
    const names = [...table.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name);
    const plugins = await Promise.all(Object.values(bundledPlugins).map((load) => load()));
    const known = [
      ...knownFileNames,
      ...plugins.flatMap((module) => Object.keys(module.default.files ?? {})),
    ];
    assert.ok(names.length > 10);
    for (const name of names) assert.ok(known.includes(name), name);
  });
});
