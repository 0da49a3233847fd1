// logging/file with a command: real shells, which end by themselves when their input does.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { CommandStarts } from '../../../plugins/logging/_command-starts.ts';
import { eventually } from '../../support/processes.ts';
import { client, LogSite } from './file-support.ts';

const has = (site: LogSite, name: string, text: string) => () =>
  existsSync(join(site.dir, name)) && site.read(name).includes(text);

/** Lines that were told, without the folder. */
const told = (site: LogSite) => site.stderr.map((line) => line.replaceAll(site.dir, '@DIR@'));

describe('a command of logging/file', () => {
  it('is started by the shell with the first entry, and gets all to the end', async () => {
    const site = new LogSite('|cat > "@DIR@/a  log"; echo over >> "@DIR@/a  log"');
    await turn();
    assert.equal(existsSync(join(site.dir, 'a  log')), false);
    await site.wrote('one', client(1));
    await eventually('the first line', has(site, 'a  log', 'one'));
    site.log('two');
    await site.retire();
    assert.equal(
      site.read('a  log'),
      'Mon Jan 01 12:00:00 2001 mx[99.1]: one\nMon Jan 01 12:00:00 2001 mx[99]: two\nover\n',
    );
    assert.deepEqual(site.stderr, []);
  });

  it('is not started where nothing is logged', async () => {
    const site = new LogSite('|touch @DIR@/started; cat');
    await site.retire();
    assert.equal(existsSync(join(site.dir, 'started')), false);
  });

  it('has the environment of the server, and a name with the time', async () => {
    const env = { PATH: process.env['PATH'], WHERE: 'here' };
    const site = new LogSite('|cat > @DIR@/$WHERE-%Y-%i', { env });
    await site.wrote('one');
    await site.wrote('two', client(1));
    await site.retire();
    assert.deepEqual(site.texts('here-2001-parent'), ['one']);
    assert.deepEqual(site.texts('here-2001-1000000000-0099-1'), ['two']);
  });

  it('that changes its name with the time gets the end of its input', async () => {
    const site = new LogSite('|cat > @DIR@/%H%M; echo over >> @DIR@/%H%M');
    await site.wrote('one');
    site.elapsedMs = 60_000;
    await site.wrote('two');
    await eventually('the end of the first', has(site, '1200', 'one\nover\n'));
    await site.retire();
    assert.match(site.read('1201'), /two\nover\n$/);
  });

  it('that dies is told, and started again for what comes later, with pauses', async () => {
    const site = new LogSite('|read line; echo "$line" >> @DIR@/log; echo oh dear >&2; exit 3');
    await site.wrote('one');
    await eventually('that it is told', () => site.stderr.length > 0);
    assert.deepEqual(told(site), [
      '99 logging/file: error, cannot log to |read line; echo "$line" >> @DIR@/log; echo oh dear >&2; exit 3: ' +
        'it ended with 3: oh dear: it is started again when there is more; what it had not read is lost',
    ]);
    await site.wrote('two');
    assert.deepEqual(site.texts('log'), ['one'], 'not at once');
    site.elapsedMs = 1000;
    await site.wrote('three');
    await eventually('the second start', has(site, 'log', 'two'));
    assert.equal(site.stderr.length, 1, 'once a minute');
  });

  it('that is not there is told with the words of the shell', async () => {
    const site = new LogSite('|/no/such/pager');
    await site.wrote('one');
    await eventually('that it is told', () => site.stderr.length > 0);
    assert.match(site.stderr[0] ?? '', /: it ended with 127: \/bin\/sh: .*\/no\/such\/pager: not found: /);
  });

  it('that does not read costs entries, is told of, and does not stop anybody', async () => {
    const site = new LogSite('|until [ -e @DIR@/go ]; do sleep 0.05; done; cat > @DIR@/log');
    const entry = 'x'.repeat(1000);
    for (let at = 0; at < 3000; at++) {
      site.log(`${at} ${entry}`);
      if (at % 10 === 0) await turn();
    }
    assert.match(
      told(site)[0] ?? '',
      /: it does not read what it is given: look what it waits for; 1 entry was lost$/,
    );
    writeFileSync(join(site.dir, 'go'), '');
    site.elapsedMs = 60_000;
    let later = 0;
    await eventually('that it works again', async () => {
      later++;
      await site.wrote('later');
      return / again, /.test(site.stderr.at(-1) ?? '');
    });
    await site.retire();
    const losses = site.stderr.map((line) =>
      Number(/(\d+) entr(?:y was|ies were) lost$/.exec(line)?.[1] ?? 0),
    );
    const lost = losses.reduce((sum, count) => sum + count, 0);
    const read = site.texts('log').length;
    assert.equal(read + lost, 3000 + later);
    assert.ok(read > 1000, `${read} lines were read`);
  });

  it('that does not end is waited for, and left alone', async () => {
    const site = new LogSite('|until [ -e @DIR@/go ]; do sleep 0.05; done; cat; echo over > @DIR@/log');
    await site.wrote('one');
    await site.retire();
    assert.match(
      told(site)[0] ?? '',
      /: it still runs 3 seconds after the end of its input: some of the last entries may be lost$/,
    );
    writeFileSync(join(site.dir, 'go'), '');
    await eventually('its end', () => existsSync(join(site.dir, 'log')));
    assert.equal(readFileSync(join(site.dir, 'log'), 'latin1'), 'over\n');
  });

  it('gets what comes after the end of the log, too', async () => {
    const site = new LogSite('|cat >> @DIR@/log');
    await site.wrote('one');
    await site.retire();
    site.log('late');
    await eventually('the late entry', has(site, 'log', 'late'));
    await site.retire();
    assert.deepEqual(site.texts('log'), ['one', 'late']);
  });
});

describe('a command with reopen', () => {
  it('is one for each session, which ends with it', async () => {
    const site = new LogSite('reopen |cat > @DIR@/$$; echo over >> @DIR@/log');
    const [first, second] = [client(1), client(2)];
    site.log('one', first);
    site.log('two', second);
    site.log('nobody');
    site.log('one again', first);
    await turn();
    assert.ok(site.endSession(first));
    site.log('last words', first);
    await turn();
    site.elapsedMs = 1000;
    await eventually('the end of the first', has(site, 'log', 'over'));
    assert.equal(site.read('log'), 'over\n');
    await site.retire();
    assert.equal(site.read('log'), 'over\n'.repeat(3));
    assert.deepEqual(site.stderr, []);
  });

  it('is not started while 64 of its kind run, which is told with what to do', async () => {
    const site = new LogSite('reopen |cat > /dev/null');
    for (let at = 0; at < 65; at++) site.log('one', client(at));
    await turn();
    assert.deepEqual(site.stderr, [
      '99 logging/file: error, cannot log to |cat > /dev/null: 64 of its kind run: ' +
        'entries wait until one ends; a command without reopen and %i takes those of all sessions',
    ]);
  });

  it('may have read enough: it gets no more of its session, and nobody is told', async () => {
    const site = new LogSite('reopen |read line; echo "$line" >> @DIR@/log');
    const [first, second] = [client(1), client(2)];
    await site.wrote('one', first);
    await eventually('the first', has(site, 'log', 'one'));
    for (let at = 0; at < 20; at++) {
      await site.wrote('more', first);
      site.elapsedMs += 1000;
    }
    await site.wrote('two', second);
    await eventually('the second', has(site, 'log', 'two'));
    await site.retire();
    assert.deepEqual(
      site.texts('log').filter((text) => text !== 'more'),
      ['one', 'two'],
    );
    assert.ok(site.texts('log').length <= 3, 'what came before its end was seen may start it once more');
    assert.deepEqual(site.stderr, []);
  });
});

describe('the pause before a command is started again', () => {
  it('doubles to a minute, and is short again for one that has lived for a minute', () => {
    const starts = new CommandStarts();
    assert.equal(starts.waitMs(5000), 0);
    const pauses = [0, 0, 0, 0, 0, 0, 0, 59_999, 60_000, 0].map((livedMs) => {
      starts.failed(5000, livedMs);
      return starts.waitMs(5000) / 1000;
    });
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]);
    assert.equal(starts.waitMs(6500), 500);
    assert.equal(starts.waitMs(7000), 0);
  });

  it('is for all where 64 of them run', () => {
    const starts = new CommandStarts();
    for (let at = 0; at < 64; at++) {
      assert.equal(starts.waitMs(0), 0);
      starts.begun();
    }
    assert.equal(starts.waitMs(0), 1000);
    starts.ended();
    assert.equal(starts.waitMs(0), 0);
  });
});
