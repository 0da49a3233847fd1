// The plugins that manual and documents show: they have correct types, do what their transcripts say, and are found
// through plugin_dirs. A transcript that another plugin passes as well would prove nothing.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fencedBlocks, root, run, textOf } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-examples-'));
after(() => rmSync(folder, { recursive: true }));

interface Example {
  readonly plugin: string;
  readonly transcript: string;
}

function fromMarkdown(file: string): Example {
  const blocks = fencedBlocks(textOf(file));
  const one = (language: string) => {
    const found = blocks.filter((block) => block.language === language);
    assert.equal(found.length, 1, `${file}: blocks of the kind "${language}"`);
    return found[0]?.code ?? '';
  };
  return { plugin: one('ts'), transcript: one('') };
}

const examples: Readonly<Record<string, Example>> = {
  need_subject: {
    plugin: textOf('scripts/man/examples/need_subject.ts'),
    transcript: textOf('scripts/man/examples/need_subject.smtp'),
  },
  validrcptto: fromMarkdown('docs/upgrading/from-qmail-smtpd.md'),
  plus_tags: fromMarkdown('docs/upgrading/from-haraka.md'),
};

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

for (const [name, { plugin, transcript }] of Object.entries(examples)) {
  describe(`the plugin ${name}`, () => {
    const file = write(`${name}.ts`, plugin);
    const conversation = write(`${name}.smtp`, transcript);

    it('does what its transcript says', () => {
      const { status, said } = run('src/main.ts', 'test-plugin', file, '--transcript', conversation);
      assert.equal(status, 0, said);
    });

    it('is needed for that', () => {
      const idle = write(
        'idle.ts',
        `import { definePlugin, option } from 'qpsmtpd';
        export default definePlugin({ name: 'idle', summary: '', setup: () => ({}) });`,
      );
      const without = transcript.replace(new RegExp(`^plugins +${name}\\b.*\\n`, 'm'), '');
      assert.notEqual(without, transcript);
      const bare = write(`${name}-idle.smtp`, without);
      assert.equal(run('src/main.ts', 'test-plugin', idle, '--transcript', bare).status, 1);
    });

    it('is found through plugin_dirs, by the line in its transcript', () => {
      const config = join(folder, `${name}-config`);
      mkdirSync(config);
      writeFileSync(join(config, 'plugin_dirs'), `${folder}\n`);
      const [, line = ''] = new RegExp(`^plugins +(${name}.*)$`, 'm').exec(transcript) ?? [];
      writeFileSync(join(config, 'plugins'), `${line}\nrcpt_ok\n`);
      const { said } = run('src/main.ts', 'check-config', '--config', config, '--json');
      assert.ok(said.includes(`"${file}"`), said);
    });
  });
}

describe('all of them together', () => {
  it('have correct types, the notes that they declare too', () => {
    const [json = ''] = fencedBlocks(textOf('README.md'))
      .filter(({ language }) => language === 'json')
      .map(({ code }) => code);
    const settings = json.replaceAll('../qpsmtpd', root).replace(/^\{/, '{ "files": FILES,');
    const files = JSON.stringify(Object.keys(examples).map((name) => `${name}.ts`));
    const project = write('tsconfig.json', settings.replace('FILES', files));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });
});
