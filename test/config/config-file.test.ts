import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readConfigFile } from '../../src/config/config-file.ts';
import type { Finding } from '../../src/config/errors.ts';
import { TempConfig } from './support.ts';

function read(config: TempConfig, name: string): { texts: string[]; places: string[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const lines = readConfigFile(config.path(name), config.dirs, (finding) => findings.push(finding));
  const places = lines.map(({ where }) => `${where.file.slice(config.root.length + 1)}:${where.line}`);
  return { texts: lines.map(({ text }) => text), places, findings };
}

describe('readConfigFile', () => {
  it('drops blank lines and comments, trims, and keeps a # further on', (t) => {
    const config = new TempConfig(t);
    config.write('config/x', '\n# no\n  \t# nor this\r\n\t a  b \r\nc # d\n\n#\nlast');
    const { texts, places, findings } = read(config, 'config/x');
    assert.deepEqual(texts, ['a  b', 'c # d', 'last']);
    assert.deepEqual(places, ['config/x:4', 'config/x:5', 'config/x:8']);
    assert.deepEqual(findings, []);
  });

  it('reads UTF-8, with a byte order mark or not', (t) => {
    const config = new TempConfig(t);
    config.write('config/x', '\ufeffgrüß dich\n');
    assert.deepEqual(read(config, 'config/x').texts, ['grüß dich']);
    config.write('config/x', '\ufeff# comment\n');
    assert.deepEqual(read(config, 'config/x').texts, []);
  });

  it('warns of a line that is not UTF-8, but not of a comment', (t) => {
    const config = new TempConfig(t);
    config.write('config/x', Buffer.from('# gr\xfc\xdfe\ngr\xfc\xdfe\n', 'latin1'));
    const { texts, findings } = read(config, 'config/x');
    assert.deepEqual(texts, ['gr\ufffd\ufffde']);
    assert.deepEqual(
      findings.map(({ severity, code, where }) => [severity, code, where?.line]),
      [['warning', 'NOT_UTF8', 2]],
    );
  });

  for (const byte of ['\0', '\x1b', '\x7f', '\r']) {
    it(`leaves a line with ${JSON.stringify(byte)} out and reports it`, (t) => {
      const config = new TempConfig(t);
      config.write('config/x', `a\nb${byte}c\nd\te\n`);
      const { texts, findings } = read(config, 'config/x');
      assert.deepEqual(texts, ['a', 'd\te']);
      assert.deepEqual(
        findings.map(({ severity, code, where }) => [severity, code, where?.line]),
        [['error', 'CONTROL_BYTE', 2]],
      );
    });
  }

  it('includes by absolute path and by search through the folders, not beside the including file', (t) => {
    const config = new TempConfig(t, ['one', 'two']);
    const elsewhere = config.write('elsewhere/abs', 'absolute\n');
    config.write('elsewhere/rel', 'wrong\n');
    config.write('two/rel', 'relative\n');
    config.write('elsewhere/start', `first\n  $include ${elsewhere}\n$include\trel  \nlast\n`);
    const { texts, places, findings } = read(config, 'elsewhere/start');
    assert.deepEqual(texts, ['first', 'absolute', 'relative', 'last']);
    assert.deepEqual(places, ['elsewhere/start:1', 'elsewhere/abs:1', 'two/rel:1', 'elsewhere/start:4']);
    assert.deepEqual(findings, []);
  });

  it('includes the plain files of a folder by name, without dot files and sub folders', (t) => {
    const config = new TempConfig(t);
    config.write('config/parts/20', 'b\n');
    config.write('config/parts/10', 'a\n');
    config.write('config/parts/.hidden', 'no\n');
    config.write('config/parts/sub/30', 'no\n');
    config.write('config/x', '$include parts\nc\n');
    const { texts, findings } = read(config, 'config/x');
    assert.deepEqual(texts, ['a', 'b', 'c']);
    assert.deepEqual(findings, []);
  });

  it('reports a circle with its chain and keeps all lines', (t) => {
    const config = new TempConfig(t);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => config.path(`config/${name}`));
    config.write('config/a', 'a1\n$include b\na2\n');
    config.write('config/b', 'b1\n$include c\nb2\n');
    config.write('config/c', 'c1\n$include a\nc2\n');
    const { texts, findings } = read(config, 'config/a');
    assert.deepEqual(texts, ['a1', 'b1', 'c1', 'c2', 'b2', 'a2']);
    assert.equal(findings.length, 1);
    assert.equal(findings[0]?.severity, 'error');
    assert.equal(findings[0]?.code, 'CIRCULAR_INCLUDE');
    assert.deepEqual(findings[0]?.where, { file: c, line: 2 });
    assert.equal(findings[0]?.text, `circular $include: ${a} includes ${b} includes ${c} includes ${a}`);
  });

  it('sees a circle through a folder and through a link', (t) => {
    const config = new TempConfig(t);
    config.write('config/parts/x', 'x\n$include parts\n');
    config.write('config/start', '$include parts\n');
    const folder = read(config, 'config/start');
    assert.deepEqual(folder.texts, ['x']);
    assert.deepEqual(
      folder.findings.map(({ code }) => code),
      ['CIRCULAR_INCLUDE'],
    );
    config.write('config/me', 'me\n$include alias\n');
    symlinkSync('me', config.path('config/alias'));
    const link = read(config, 'config/me');
    assert.deepEqual(link.texts, ['me']);
    assert.deepEqual(
      link.findings.map(({ code }) => code),
      ['CIRCULAR_INCLUDE'],
    );
  });

  it('takes one file included twice for no circle', (t) => {
    const config = new TempConfig(t);
    config.write('config/x', '$include y\n$include y\n');
    config.write('config/y', 'y\n');
    assert.deepEqual(read(config, 'config/x'), {
      texts: ['y', 'y'],
      places: ['config/y:1', 'config/y:1'],
      findings: [],
    });
  });

  it('ends where includes double at each level', (t) => {
    const config = new TempConfig(t);
    for (let level = 0; level < 40; level++) {
      config.write(`config/l${level}`, `$include l${level + 1}\n$include l${level + 1}\n`);
    }
    config.write('config/l40', 'leaf\n');
    const { findings } = read(config, 'config/l0');
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['TOO_MANY_INCLUDES'],
    );
  });

  it('warns of a missing include and of one that would leave the folders', (t) => {
    const config = new TempConfig(t);
    config.write('outside', 'secret\n');
    config.write('config/x', 'a\n$include nowhere\n$include ../outside\n$include /nowhere/at/all\nb\n');
    const { texts, findings } = read(config, 'config/x');
    assert.deepEqual(texts, ['a', 'b']);
    assert.deepEqual(
      findings.map(({ severity, code, where }) => [severity, code, where?.line]),
      [
        ['warning', 'MISSING_INCLUDE', 2],
        ['warning', 'MISSING_INCLUDE', 3],
        ['warning', 'MISSING_INCLUDE', 4],
      ],
    );
  });

  it('refuses an include without a name or with two', (t) => {
    const config = new TempConfig(t);
    config.write('config/x', '$include\n$include a b\n$included text\n');
    const { texts, findings } = read(config, 'config/x');
    assert.deepEqual(texts, ['$included text']);
    assert.deepEqual(
      findings.map(({ code, where }) => [code, where?.line]),
      [
        ['BAD_INCLUDE', 1],
        ['BAD_INCLUDE', 2],
      ],
    );
  });

  it('reports what cannot be read, with the place that asked for it', (t) => {
    const config = new TempConfig(t);
    symlinkSync('loop', config.path('config/loop'));
    mkdirSync(config.path('config/folder'));
    config.write('config/x', 'a\n$include loop\nb\n');
    const { texts, findings } = read(config, 'config/x');
    assert.deepEqual(texts, ['a', 'b']);
    assert.equal(findings.length, 1);
    assert.equal(findings[0]?.code, 'UNREADABLE_FILE');
    assert.deepEqual(findings[0]?.where, { file: config.path('config/loop') });
    assert.equal(findings[0]?.text, `cannot be read: ELOOP (included from ${config.path('config/x')}:2)`);
    assert.deepEqual(
      read(config, 'config/folder').findings.map(({ text }) => text),
      ['cannot be read: EISDIR'],
    );
    assert.deepEqual(
      read(config, 'config/none').findings.map(({ text }) => text),
      ['cannot be read: ENOENT'],
    );
  });
});
