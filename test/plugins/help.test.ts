// The files behind HELP: when they are read, and what is made of odd ones.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import help, { HelpPages } from '../../plugins/help.ts';
import type { Logger } from '../../src/contract/at.ts';
import { HandClock } from '../server/support.ts';
import { cleanUp } from '../support/cleanup.ts';
import { findingsFor, stageWith, talkOn } from './plugin-talk.ts';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-help-'));
  cleanUp(() => rmSync(dir, { recursive: true }));
  return dir;
}

function shelf() {
  const dir = folder();
  const clock = new HandClock();
  const errors: string[] = [];
  const silent = () => {};
  const log: Logger = {
    enabled: () => true,
    debug: silent,
    info: silent,
    notice: silent,
    warn: silent,
    error: (text) => void errors.push(text),
    crit: silent,
    alert: silent,
    emerg: silent,
  };
  const pages = new HelpPages(dir, new Map(), clock);
  return { dir, clock, errors, page: (command: string) => pages.page(command, log) };
}

describe('HelpPages', () => {
  it('sees changes of files, but looks no more than once a second', async () => {
    const { dir, clock, page } = shelf();
    assert.equal(await page('rcpt'), null);
    writeFileSync(join(dir, 'rcpt'), 'first');
    clock.ms = 999;
    assert.equal(await page('rcpt'), null);
    clock.ms = 1000;
    assert.equal(await page('rcpt'), 'first');
    writeFileSync(join(dir, 'rcpt'), 'second');
    clock.ms = 1999;
    assert.equal(await page('rcpt'), 'first');
    clock.ms = 2000;
    assert.equal(await page('rcpt'), 'second');
  });

  it('gives lines of printable text', async () => {
    const { dir, page } = shelf();
    writeFileSync(join(dir, 'rcpt'), 'one\r\n\r\n\ttwo \nthr\x07\u00e9e\n');
    assert.equal(await page('rcpt'), 'one\n  two\nthr??e');
  });

  it('has no page for an empty file or a folder', async () => {
    const { dir, errors, page } = shelf();
    writeFileSync(join(dir, 'empty'), '\n\n');
    mkdirSync(join(dir, 'below'));
    assert.deepEqual([await page('empty'), await page('below')], [null, null]);
    assert.deepEqual(errors, []);
  });

  it('does not read a file that is too big, and says so', async () => {
    const { dir, errors, page } = shelf();
    writeFileSync(join(dir, 'data'), 'x'.repeat(16_385));
    assert.equal(await page('data'), null);
    assert.match(errors.join(), /^error, cannot read the help file .*data: more than 16384 octets$/);
    writeFileSync(join(dir, 'rset'), 'x'.repeat(16_384));
    assert.equal((await page('rset'))?.length, 16_384);
  });

  it('keeps no more than a hundred pages, whatever clients ask for', async () => {
    const { dir, page } = shelf();
    await page('rcpt');
    writeFileSync(join(dir, 'rcpt'), 'new');
    for (let i = 0; i < 98; i++) await page(`w${i}`);
    assert.equal(await page('rcpt'), null);
    for (let i = 98; i < 200; i++) await page(`w${i}`);
    assert.equal(await page('rcpt'), 'new');
  });
});

describe('help', () => {
  it('knows files by the commands of its own line only', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'tips'), 'tips on mail');
    writeFileSync(join(dir, 'rcpt'), 'words on rcpt');
    const stage = await stageWith([`help:1 help_dir ${dir} mail tips`, `help:2 help_dir ${dir} rcpt tips`]);
    const client = await talkOn(stage);
    assert.equal(
      await client.say('HELP mail', 'HELP rcpt'),
      '214 2.0.0 tips on mail\n214 2.0.0 words on rcpt',
    );
  });

  it('says at start which of its files is missing', async () => {
    const stage = await stageWith([`help help_dir ${folder()} mail nowhere`]);
    const lines = stage
      .takeLog()
      .filter((line) => /help: error, no help file for mail: .*nowhere$/.test(line));
    assert.equal(lines.length, 1);
  });

  it('finds a page for each command of the core in the folder that comes with it, and all pages fit', async () => {
    const dir = join(import.meta.dirname, '../../help');
    const names = readdirSync(dir);
    assert.deepEqual(
      'data ehlo helo help mail noop quit rcpt rset vrfy'.split(' ').filter((verb) => !names.includes(verb)),
      [],
    );
    const client = await talkOn(await stageWith([`help help_dir ${dir}`]));
    for (const name of names) {
      const page = (await client.say(`HELP ${name}`)).split('\n');
      assert.match(page[0] ?? '', new RegExp(`^214-2\\.0\\.0 ${name.toUpperCase()}\\b`));
      for (const line of page) assert.match(line, /^214[ -]2\.0\.0 [^?]{4,90}$/);
    }
  });

  it('has a default for its folder', () => assert.equal(help.options?.help_dir.default, './help/'));

  const mistakes = {
    'help rcpt': /the file with the help on rcpt is missing/,
    'help ../rcpt file': /"\.\.\/rcpt" is not a command/,
    'help rcpt rcpt;x': /"rcpt;x" has other characters than/,
    'help not_implemented maybe': /"maybe" is neither yes nor no/,
  };
  for (const [line, message] of Object.entries(mistakes)) {
    it(`does not take "${line}"`, async () => {
      assert.match((await findingsFor([line]))[0]?.text ?? '', message);
    });
  }
});
