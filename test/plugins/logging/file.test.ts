// What logging/file writes where, and what becomes of entries when it cannot.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Checkup } from 'qpsmtpd';
import file from '../../../plugins/logging/file.ts';
import { client, LogSite } from './file-support.ts';

const MINUTE_MS = 60_000;

describe('a line of logging/file', () => {
  it('has time, host, client, hook, plugin and text', async () => {
    const site = new LogSite('@DIR@/log');
    site.log('pass', client(1), { plugin: 'relay', hook: 'connect' });
    site.log('dispatching NOOP', client(1));
    site.log('configuration is read anew', null, { plugin: 'tls' });
    await turn();
    assert.equal(
      site.read('log'),
      'Mon Jan 01 12:00:00 2001 mx[99.1]: (connect) relay: pass\n' +
        'Mon Jan 01 12:00:00 2001 mx[99.1]: dispatching NOOP\n' +
        'Mon Jan 01 12:00:00 2001 mx[99]: tls: configuration is read anew\n',
    );
    assert.equal(statSync(join(site.dir, 'log')).mode & 0o777, 0o640);
  });

  it('has the time in the format that is asked for, at every second', async () => {
    const site = new LogSite('tsformat "%F %T" @DIR@/log');
    await site.wrote('a');
    site.elapsedMs = 999;
    await site.wrote('b');
    site.elapsedMs = 1000;
    await site.wrote('c');
    assert.deepEqual(site.read('log').split('\n'), [
      '2001-01-01 12:00:00 mx[99]: a',
      '2001-01-01 12:00:00 mx[99]: b',
      '2001-01-01 12:00:01 mx[99]: c',
      '',
    ]);
  });

  it('is not written for what the plugin itself says', async () => {
    const site = new LogSite('@DIR@/log');
    site.log('own', null, { plugin: 'logging/file' });
    site.log('that of its brother', null, { plugin: 'logging/file:1' });
    await turn();
    assert.deepEqual(site.texts('log'), ['logging/file:1: that of its brother']);
  });

  it('is for entries up to the level of the words, or of the option', () => {
    assert.equal(new LogSite('nosplit LOGLEVEL LogCrit @DIR@/log').upTo, 'crit');
    assert.equal(new LogSite('@DIR@/log').upTo, 'debug');
    assert.equal(file.options?.loglevel.default, 'warn');
  });
});

describe('files of logging/file', () => {
  it('are not there before the first entry, nor before the rights are those that stay', async () => {
    const site = new LogSite('@DIR@/log', { isServing: false });
    await site.wrote('early');
    assert.deepEqual(readdirSync(site.dir), []);
    site.postFork();
    await site.wrote('late');
    assert.deepEqual(site.texts('log'), ['early', 'late']);
  });

  it('take what was kept for them before the first client', async () => {
    const site = new LogSite('@DIR@/log', { isServing: false });
    site.log('early');
    await site.wrote('hello', client(1));
    assert.deepEqual(site.texts('log'), ['early', 'hello']);
  });

  it('get the entries of a turn in one write, whole lines', async () => {
    const site = new LogSite('@DIR@/log');
    site.log('a');
    site.log('b');
    assert.deepEqual(site.files.writes, []);
    await site.wrote('c');
    assert.equal(site.files.writes.length, 1);
    assert.deepEqual(site.texts('log'), ['a', 'b', 'c']);
  });

  it('do not wait for the end of the turn with very many entries', () => {
    const site = new LogSite('@DIR@/log');
    for (let at = 0; at < 40_000; at++) site.log(`entry ${at} of a turn that does not end`);
    assert.ok(site.texts('log').length > 35_000);
    for (const text of site.files.writes) assert.ok(text.endsWith('\n'));
    assert.deepEqual(site.stderr, []);
  });

  it('get the rest of a write that was cut short', async () => {
    const site = new LogSite('@DIR@/log');
    site.files.most = 7;
    site.log('one');
    await site.wrote('two');
    assert.ok(site.files.writes.length > 10);
    assert.deepEqual(site.texts('log'), ['one', 'two']);
  });

  it('are opened anew when they were moved away or deleted, before anybody has compressed them', async () => {
    const site = new LogSite('@DIR@/log');
    await site.wrote('one');
    renameSync(join(site.dir, 'log'), join(site.dir, 'log.1'));
    site.elapsedMs = 49;
    await site.wrote('two');
    site.elapsedMs = 50;
    await site.wrote('three');
    assert.deepEqual(site.texts('log.1'), ['one', 'two']);
    assert.deepEqual(site.texts('log'), ['three']);
    rmSync(join(site.dir, 'log'));
    site.elapsedMs = 2000;
    await site.wrote('four');
    assert.deepEqual(site.texts('log'), ['four']);
    assert.equal(site.files.open_.size, 1);
    assert.deepEqual(site.stderr, []);
  });

  it('go on where they were moved to while no new one can be made', async () => {
    const site = new LogSite('@DIR@/log');
    await site.wrote('one');
    renameSync(join(site.dir, 'log'), join(site.dir, 'log.1'));
    site.files.openFails = 'EACCES';
    for (site.elapsedMs = 1000; site.elapsedMs < 5000; site.elapsedMs += 500) await site.wrote('on');
    assert.equal(site.texts('log.1').length, 9);
    assert.equal(site.files.opened.length, 1 + 4);
    site.files.openFails = null;
    await site.wrote('new');
    assert.deepEqual(site.texts('log'), ['new']);
    assert.deepEqual(site.stderr, [
      `99 logging/file: error, cannot log to ${site.dir}/log: permission denied (EACCES): let the user of the server ` +
        `write to ${site.dir}/log and its folder; until then it goes on in the file that was moved away`,
      `99 logging/file: logs to ${site.dir}/log again, nothing was lost`,
    ]);
  });

  it('that were deleted are no place to go on', async () => {
    const site = new LogSite('@DIR@/log');
    await site.wrote('one');
    rmSync(join(site.dir, 'log'));
    site.files.openFails = 'EACCES';
    site.elapsedMs = 1000;
    await site.wrote('two');
    site.files.openFails = null;
    site.elapsedMs = 2000;
    await site.wrote('three');
    assert.deepEqual(site.texts('log'), ['two', 'three']);
  });
});

describe('a log that cannot be written', () => {
  it('is told once a minute, tried once a second, and written when it works again', async () => {
    const site = new LogSite('@DIR@/log');
    await site.wrote('one');
    site.files.writeFails = 'ENOSPC';
    const before = site.files.tries;
    for (let at = 0; at < 700; at++) {
      site.elapsedMs += 100;
      await site.wrote(`on ${at}`);
    }
    const tries = site.files.tries - before;
    assert.ok(tries >= 65 && tries <= 71, `${tries} tries in 70 seconds`);
    const trouble = `99 logging/file: error, cannot log to ${site.dir}/log: the disk is full (ENOSPC): make room`;
    assert.deepEqual(site.stderr, [trouble, trouble]);
    site.files.writeFails = null;
    site.elapsedMs += 1000;
    await site.wrote('again');
    assert.equal(site.texts('log').length, 702);
    assert.equal(site.stderr[2], `99 logging/file: logs to ${site.dir}/log again, nothing was lost`);
    await site.wrote('and on');
    assert.equal(site.stderr.length, 3);
  });

  it('is tried again without another entry', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const site = new LogSite('@DIR@/folder/log');
    await site.wrote('one');
    assert.match(
      site.stderr[0] ?? '',
      /its folder is not there \(ENOENT\): make the folder of .*\/folder\/log$/,
    );
    mkdirSync(join(site.dir, 'folder'));
    site.elapsedMs = 1000;
    t.mock.timers.tick(1000);
    assert.deepEqual(site.texts('folder/log'), ['one']);
    assert.match(site.stderr[1] ?? '', /logs to .* again, nothing was lost$/);
  });

  it('keeps a mebibyte, and counts what is lost beyond that', async () => {
    const site = new LogSite('@DIR@/log');
    site.files.openFails = 'EACCES';
    const entry = 'x'.repeat(1000);
    for (let at = 0; at < 2000; at++) await site.wrote(`${at} ${entry}`);
    assert.equal(site.stderr.length, 1);
    site.files.openFails = null;
    site.elapsedMs = MINUTE_MS;
    await site.wrote('after');
    await site.wrote('and on');
    const kept = site.texts('log');
    const lost = 2001 - (kept.length - 1);
    assert.ok(kept.length > 950 && kept.length < 1050);
    assert.equal(kept.at(-1), 'and on');
    assert.equal(
      site.stderr[1],
      `99 logging/file: logs to ${site.dir}/log again, ${lost} entries were lost`,
      'the one that came before there was room is lost, too',
    );
    for (let at = 0; at < 900; at++) site.log(`${at} ${entry}`);
    await turn();
    assert.equal(site.texts('log').length, kept.length + 900, 'there is room again');
  });

  it('is not told of again and again where it fails and works by turns', async () => {
    const site = new LogSite('@DIR@/log');
    await site.wrote('one');
    for (let at = 0; at < 40; at++) {
      site.elapsedMs += 1000;
      site.files.writeFails = at % 2 === 0 ? 'ENOSPC' : null;
      await site.wrote('on');
    }
    assert.deepEqual(
      site.stderr.map((line) => line.replace(/ .*(cannot|again).*/, ' $1')),
      ['99 cannot', '99 again'],
    );
    assert.equal(site.texts('log').length, 41);
  });

  it('tells what was lost at the end', async () => {
    const site = new LogSite('@DIR@/log');
    site.files.openFails = 'EROFS';
    await site.wrote('one');
    await site.wrote('two');
    await site.retire();
    assert.match(site.stderr[0] ?? '', /the file system is read-only \(EROFS\)/);
    assert.deepEqual(site.stderr.slice(1), ['99 logging/file: error, 2 entries were lost']);
  });

  it('begins a line anew that was cut off', async () => {
    const site = new LogSite('@DIR@/log');
    await site.wrote('one');
    site.files.room = 60;
    site.log('two');
    await site.wrote('three');
    assert.match(site.stderr[0] ?? '', /ENOSPC/);
    site.files.room = Number.POSITIVE_INFINITY;
    site.elapsedMs = 1000;
    await site.wrote('four');
    const lines = site.read('log').split('\n');
    const whole = lines.filter((line) => /^Mon Jan 01 .* mx\[99\]: (?:one|two|three|four)$/.test(line));
    assert.deepEqual(
      whole.map((line) => line.split(' ').at(-1)),
      ['one', 'two', 'three', 'four'],
    );
    assert.equal(lines.length, whole.length + 2, 'a piece, and what is behind the last line end');
  });

  for (const [what, prepare, cause] of [
    [
      'a folder',
      (path: string) => mkdirSync(path),
      /it is a folder \(EISDIR\): name a file in config\/logging/,
    ],
    [
      'a pipe that nobody reads',
      (path: string) => void execFileSync('mkfifo', [path]),
      /nobody reads this pipe, or it is a socket \(ENXIO\)/,
    ],
    [
      'a link to itself',
      (path: string) => symlinkSync(path, path),
      /log: its links lead round in a circle \(ELOOP\): name the file that is meant$/,
    ],
  ] as const) {
    it(`may be ${what}`, async () => {
      const site = new LogSite('@DIR@/log');
      prepare(join(site.dir, 'log'));
      await site.wrote('one');
      assert.match(site.stderr[0] ?? '', cause);
    });
  }
});

describe('a named pipe', () => {
  it('takes lines, and loses them rather than stop the server when nobody reads', async () => {
    const site = new LogSite('@DIR@/pipe');
    const path = join(site.dir, 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    for (let at = 0; at < 20_000; at++) site.log(`line ${at} for a reader that is not there now`);
    await turn();
    site.elapsedMs += 50;
    await site.wrote('one more');
    assert.match(
      site.stderr[0] ?? '',
      /whoever reads this pipe does not keep up \(EAGAIN\).*; \d+ entries were lost$/,
    );
    const [, lost] = /; (\d+) entries/.exec(site.stderr[0] ?? '') ?? [];
    // The pipe has its own end of the descriptor now.
    const child = spawn('cat', { stdio: [reader, 'pipe', 'inherit'] });
    closeSync(reader);
    let read = '';
    child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      read += text;
    });
    while (!/ again, /.test(site.stderr.at(-1) ?? '')) {
      site.elapsedMs += 50;
      await site.wrote('end');
      await turn();
    }
    await site.retire();
    await once(child, 'close');
    const lines = read.split('\n').slice(0, -1);
    for (const line of lines)
      assert.match(line, /^Mon Jan 01 .* mx\[99\]: (?:line \d+ for .* now|one more|end)$/);
    const numbers = lines.flatMap((line) => /: line (\d+) /.exec(line)?.[1] ?? []).map(Number);
    assert.deepEqual(
      numbers,
      numbers.toSorted((one, other) => one - other),
    );
    assert.equal(
      numbers.length + Number(lost),
      20_000 + 1 - (lines.some((line) => line.endsWith('one more')) ? 1 : 0),
    );
  });
});

describe('names with time and session', () => {
  it('begin a new file, and close the one before', async () => {
    const site = new LogSite('@DIR@/%H%M.log');
    await site.wrote('one', client(1));
    site.elapsedMs = MINUTE_MS;
    await site.wrote('two', client(1));
    assert.deepEqual(site.texts('1200.log'), ['one']);
    assert.deepEqual(site.texts('1201.log'), ['two']);
    assert.equal(site.files.open_.size, 1);
  });

  it('stay for a session that they began with, under nosplit', async () => {
    const site = new LogSite('nosplit @DIR@/%H%M.log');
    await site.wrote('one', client(1));
    site.elapsedMs = MINUTE_MS;
    const same = client(2);
    await site.wrote('two', same);
    site.elapsedMs += MINUTE_MS;
    await site.wrote('three', same);
    await site.wrote('four');
    assert.deepEqual(site.texts('1200.log'), ['one']);
    assert.deepEqual(site.texts('1201.log'), ['two', 'three']);
    assert.deepEqual(site.texts('1202.log'), ['four']);
  });

  it('give each session a file, which is closed with it', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const site = new LogSite('@DIR@/%i');
    const [first, second] = [client(1), client(2)];
    site.log('one', first);
    site.log('two', second);
    site.log('one again', first);
    await site.wrote('nobody');
    assert.deepEqual(site.texts('1000000000-0099-1'), ['one', 'one again']);
    assert.deepEqual(site.texts('1000000000-0099-2'), ['two']);
    assert.deepEqual(site.texts('parent'), ['nobody']);
    assert.equal(site.files.open_.size, 3);
    assert.ok(site.endSession(first));
    await site.wrote('its last word', first);
    assert.equal(site.files.open_.size, 3, 'what comes a moment later needs no other file');
    site.elapsedMs = 1000;
    t.mock.timers.tick(1000);
    assert.equal(site.files.open_.size, 2);
    assert.equal(site.texts('1000000000-0099-1').length, 3);
    assert.equal(site.files.opened.length, 3);
  });

  it('of sessions do not concern a line without them', () => {
    assert.equal(new LogSite('reopen nosplit @DIR@/%F').endSession(client(1)), false);
  });

  it('never keep more than 64 files open, and lose nothing by that', async () => {
    const site = new LogSite('@DIR@/%i');
    const clients = Array.from({ length: 200 }, (_, at) => client(at));
    for (const text of ['one', 'two']) {
      for (const one of clients) {
        site.elapsedMs++;
        await site.wrote(text, one);
      }
    }
    assert.equal(site.files.mostOpen, 64);
    for (let at = 0; at < 200; at++) assert.deepEqual(site.texts(`1000000000-0099-${at}`), ['one', 'two']);
  });

  it('close the file of a session that has been silent for a minute', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const site = new LogSite('@DIR@/%i');
    await site.wrote('nobody');
    await site.wrote('one', client(1));
    assert.equal(site.files.open_.size, 2);
    site.elapsedMs = MINUTE_MS;
    t.mock.timers.tick(MINUTE_MS);
    assert.equal(site.files.open_.size, 1);
    await site.wrote('two', client(1));
    assert.deepEqual(site.texts('1000000000-0099-1'), ['one', 'two']);
  });

  it('with reopen: opened anew once for each session', async () => {
    const site = new LogSite('reopen @DIR@/log');
    const [first, second] = [client(1), client(2)];
    await site.wrote('nobody');
    renameSync(join(site.dir, 'log'), join(site.dir, 'log.1'));
    await site.wrote('one', first);
    renameSync(join(site.dir, 'log'), join(site.dir, 'log.2'));
    await site.wrote('two', first);
    await site.wrote('three', second);
    assert.deepEqual(site.texts('log.1'), ['nobody']);
    assert.deepEqual(site.texts('log.2'), ['one', 'two']);
    assert.deepEqual(site.texts('log'), ['three']);
    assert.equal(site.files.open_.size, 1);
  });
});

describe('the end of logging/file', () => {
  it('writes what waits, and closes', async () => {
    const site = new LogSite('@DIR@/log');
    site.log('one');
    const over = site.retire();
    assert.deepEqual(site.texts('log'), ['one'], 'before anybody waits');
    await over;
    assert.equal(site.files.open_.size, 0);
  });

  it('writes what comes later at once, and closes again', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const site = new LogSite('@DIR@/log');
    await site.retire();
    site.log('late');
    assert.deepEqual(site.texts('log'), ['late']);
    assert.equal(site.files.open_.size, 1);
    site.elapsedMs = 10_000;
    t.mock.timers.tick(10_000);
    assert.equal(site.files.open_.size, 0);
  });

  it('writes what it kept for the time after the start', async () => {
    const site = new LogSite('@DIR@/log', { isServing: false });
    site.log('one');
    await site.retire();
    assert.deepEqual(site.texts('log'), ['one']);
  });

  it('makes no file where there was nothing to write', async () => {
    const site = new LogSite('@DIR@/log');
    await site.retire();
    assert.equal(existsSync(join(site.dir, 'log')), false);
  });
});

describe('the check of logging/file', () => {
  async function checked(output: string): Promise<string[]> {
    const said: string[] = [];
    const checkup: Partial<Checkup> = {
      appends: (path) => void said.push(`appends ${path}`),
      warn: (text, hint) => void said.push(`${text}: ${hint}`),
    };
    const host = { options: { output }, clock: { now: () => new Date(2001, 1, 3) } };
    await file.check?.(host as Parameters<NonNullable<typeof file.check>>[0], checkup as Checkup);
    return said;
  }

  it('names the file that would be written now', async () => {
    assert.deepEqual(await checked('/var/log/%Y/%i'), ['appends /var/log/2001/parent']);
  });

  it('looks for the program of a command where that can be told', async () => {
    assert.deepEqual(await checked('|/bin/sh -c true'), []);
    assert.deepEqual(await checked('|nice /no/such'), []);
    assert.deepEqual(await checked('reopen |/no/such -x'), [
      '/no/such is no program that can be run: the log is lost without it',
    ]);
  });

  it('wonders at options behind the path, which are part of it', async () => {
    assert.deepEqual(await checked('/var/log/two words'), ['appends /var/log/two words']);
    assert.deepEqual(await checked('/var/log/a LogLevel LOGINFO'), [
      'appends /var/log/a LogLevel LOGINFO',
      '"LogLevel" is taken for a part of the path: write it before the path',
    ]);
    assert.deepEqual(await checked('|cat reopen'), []);
  });
});
