import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { describe, it } from 'node:test';
import { cdbMake } from '../../src/config/cdb.ts';
import { ConfigDirs } from '../../src/config/config-dir.ts';
import { ConfigStore } from '../../src/config/config-store.ts';
import { TempConfig } from './support.ts';

const texts = (lines: readonly { text: string }[] | null) => lines?.map(({ text }) => text) ?? null;

describe('ConfigStore.lines', () => {
  it('looks at the disk once a second at most, and gives the same array until the file changes', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/x', 'a\n');
    const first = store.lines('x');
    assert.deepEqual(texts(first), ['a']);
    config.write('config/x', 'a\nb\n');
    config.clock.time = 1000;
    assert.equal(store.lines('x'), first);
    config.clock.time = 1001;
    const second = store.lines('x');
    assert.deepEqual(texts(second), ['a', 'b']);
    config.later();
    assert.equal(store.lines('x'), second);
    assert.deepEqual(config.codes(), []);
  });

  it('counts the second from the last look, not from the last question', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/x', 'a\n');
    store.lines('x');
    config.write('config/x', 'a\nb\n');
    for (const time of [400, 800, 1000]) {
      config.clock.time = time;
      assert.deepEqual(texts(store.lines('x')), ['a']);
    }
    config.clock.time = 1200;
    assert.deepEqual(texts(store.lines('x')), ['a', 'b']);
  });

  it('takes a file that was only touched, or whose comments changed, for unchanged', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    const path = config.write('config/x', 'a\n# b\n');
    const first = store.lines('x');
    utimesSync(path, 1000, 1000);
    config.later();
    assert.equal(store.lines('x'), first);
    config.write('config/x', 'a\n# longer comment\n');
    config.later();
    assert.equal(store.lines('x'), first);
  });

  it('finds a file that is created later, in an earlier folder too, and falls back when one vanishes', (t) => {
    const config = new TempConfig(t, ['one', 'two']);
    const store = config.store();
    assert.equal(store.lines('x'), null);
    config.write('two/x', 'two\n');
    assert.equal(store.lines('x'), null);
    config.later();
    assert.deepEqual(texts(store.lines('x')), ['two']);
    config.write('one/x', 'one\n');
    config.later();
    assert.deepEqual(texts(store.lines('x')), ['one']);
    rmSync(config.path('one/x'));
    config.later();
    assert.deepEqual(texts(store.lines('x')), ['two']);
    rmSync(config.path('two/x'));
    config.later();
    assert.equal(store.lines('x'), null);
    assert.deepEqual(config.codes(), []);
  });

  it('lets an empty file hide the one of a later folder, and a folder of that name not', (t) => {
    const config = new TempConfig(t, ['one', 'two']);
    config.write('one/x', '# nothing\n');
    config.write('two/x', 'two\n');
    mkdirSync(config.path('one/y'));
    config.write('two/y', 'two\n');
    const store = config.store();
    assert.deepEqual(texts(store.lines('x')), []);
    assert.deepEqual(texts(store.lines('y')), ['two']);
  });

  it('sees a file moved into place with the size and time of the old one', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    const path = config.write('config/x', 'a\n');
    utimesSync(path, 1000, 1000);
    assert.deepEqual(texts(store.lines('x')), ['a']);
    const fresh = config.write('config/x.new', 'b\n');
    utimesSync(fresh, 1000, 1000);
    renameSync(fresh, path);
    config.later();
    assert.deepEqual(texts(store.lines('x')), ['b']);
  });

  it('sees an edit that keeps size and time', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    utimesSync(config.write('config/x', 'a\n'), 1000, 1000);
    assert.deepEqual(texts(store.lines('x')), ['a']);
    utimesSync(config.write('config/x', 'b\n'), 1000, 1000);
    config.later();
    assert.deepEqual(texts(store.lines('x')), ['b']);
  });

  it('sees changes in what is included: a file, a folder, and what was missing', (t) => {
    const config = new TempConfig(t, ['one', 'two']);
    config.write('two/part', 'p\n');
    config.write('two/parts/10', 'ten\n');
    config.write('two/x', '$include part\n$include parts\n$include gone\n');
    const store = config.store();
    const see = (expected: string[], codes: string[] = []) => {
      config.later();
      assert.deepEqual(texts(store.lines('x')), expected);
      assert.deepEqual(config.codes(), codes);
    };
    see(['p', 'ten'], ['warning MISSING_INCLUDE']);
    config.write('two/part', 'p2\n');
    see(['p2', 'ten']);
    config.write('two/parts/20', 'twenty\n');
    see(['p2', 'ten', 'twenty']);
    config.write('two/parts/10', 'ten 2\n');
    see(['p2', 'ten 2', 'twenty']);
    config.write('one/part', 'earlier\n');
    see(['earlier', 'ten 2', 'twenty']);
    config.write('two/gone', 'here\n');
    see(['earlier', 'ten 2', 'twenty', 'here']);
    rmSync(config.path('two/gone'));
    see(['earlier', 'ten 2', 'twenty'], ['warning MISSING_INCLUDE']);
  });

  it('reports once a change, not once a look', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/x', 'a\n$include gone\n');
    for (let round = 0; round < 3; round++) {
      store.lines('x');
      config.later();
    }
    assert.deepEqual(config.codes(), ['warning MISSING_INCLUDE']);
    config.write('config/x', 'a\n\n$include gone\n');
    store.lines('x');
    assert.deepEqual(config.codes(), ['warning MISSING_INCLUDE']);
  });

  it('keeps what it has when the file, or one it includes, cannot be read any more', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/x', 'a\n$include y\n');
    config.write('config/y', 'b\n');
    const first = store.lines('x');
    for (const name of ['config/x', 'config/y']) {
      renameSync(config.path(name), config.path('aside'));
      symlinkSync(config.path(name), config.path(name));
      for (let round = 0; round < 3; round++) {
        config.later();
        assert.equal(store.lines('x'), first);
      }
      assert.deepEqual(config.codes(), ['error UNREADABLE_FILE']);
      rmSync(config.path(name));
      renameSync(config.path('aside'), config.path(name));
      config.later();
      assert.equal(store.lines('x'), first);
    }
    config.write('config/y', 'changed\n');
    config.later();
    assert.deepEqual(texts(store.lines('x')), ['a', 'changed']);
    assert.deepEqual(config.codes(), []);
  });

  it('gives no lines of a file that could never be read, and does not go to the next folder', (t) => {
    const config = new TempConfig(t, ['one', 'two']);
    symlinkSync('x', config.path('one/x'));
    config.write('two/x', 'two\n');
    const store = config.store();
    assert.deepEqual(store.lines('x'), []);
    assert.deepEqual(config.codes(), ['error UNREADABLE_FILE']);
    rmSync(config.path('one/x'));
    config.write('one/x', 'one\n');
    config.later();
    assert.deepEqual(texts(store.lines('x')), ['one']);
  });

  it('never leaves the folders', (t) => {
    const config = new TempConfig(t);
    const secret = config.write('secret', 'x\n');
    const store = config.store();
    assert.equal(store.lines('../secret'), null);
    assert.equal(store.lines(secret), null);
    assert.equal(store.map('../secret'), null);
  });

  it('can be asked by the one it reports to', (t) => {
    const config = new TempConfig(t);
    config.write('config/loglevel', 'loud\n$include gone\n');
    const asked: unknown[] = [];
    const store: ConfigStore = new ConfigStore({
      dirs: config.dirs,
      clock: config.clock,
      report: ({ code }) => asked.push(code, store.value('loglevel')),
      hostname: 'h',
      home: '/',
    });
    assert.equal(store.value('loglevel'), 'warn');
    assert.deepEqual(asked.filter((entry) => entry !== 'warn').sort(), ['BAD_VALUE', 'MISSING_INCLUDE']);
  });

  it('sees an edit at once after expire', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/x', 'a\n');
    config.write('config/m.cdb', cdbMake([['k', '1']]));
    store.lines('x');
    store.map('m');
    config.write('config/x', 'a\nb\n');
    config.write('config/m.cdb', cdbMake([['k', '22']]));
    store.expire();
    assert.deepEqual(texts(store.lines('x')), ['a', 'b']);
    assert.equal(store.map('m')?.get('k')?.toString(), '22');
  });

  it('forgets names that are nowhere before they fill the memory, and no others', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/x', 'a\n');
    const first = store.lines('x');
    assert.equal(store.lines('n0'), null);
    config.write('config/n0', 'late\n');
    for (let index = 1; index < 5000; index++) store.lines(`n${index}`);
    // Within the same second: only a forgotten name is looked for again.
    assert.deepEqual(texts(store.lines('n0')), ['late']);
    assert.equal(store.lines('x'), first);
  });
});

describe('ConfigStore.map', () => {
  it('finds NAME.cdb without a plain file beside it, folder by folder', (t) => {
    const config = new TempConfig(t, ['one', 'two']);
    const store = config.store();
    assert.equal(store.map('morercpthosts'), null);
    config.write('two/morercpthosts.cdb', cdbMake([['a.example', 'two']]));
    config.write('one/morercpthosts', 'a.example\n');
    config.later();
    const map = store.map('morercpthosts');
    assert.equal(map?.get('a.example')?.toString(), 'two');
    config.later();
    assert.equal(store.map('morercpthosts'), map);
    config.write('one/morercpthosts.cdb', cdbMake([['a.example', 'one']]));
    assert.equal(store.map('morercpthosts'), map);
    config.later();
    assert.equal(store.map('morercpthosts')?.get('a.example')?.toString(), 'one');
    rmSync(config.path('one/morercpthosts.cdb'));
    config.later();
    assert.equal(store.map('morercpthosts')?.get('a.example')?.toString(), 'two');
    assert.deepEqual(config.codes(), []);
  });

  it('reports a malformed one once and keeps the one before', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/m.cdb', 'junk');
    assert.equal(store.map('m'), null);
    assert.deepEqual(config.codes(), ['error BAD_CDB']);
    const whole = cdbMake([['k', 'v']]);
    config.write('config/m.cdb', whole);
    config.later();
    const good = store.map('m');
    assert.equal(good?.has('k'), true);
    config.write('config/m.cdb', whole.subarray(0, -1));
    for (let round = 0; round < 3; round++) {
      config.later();
      assert.equal(store.map('m'), good);
    }
    assert.deepEqual(config.codes(), ['error BAD_CDB']);
  });
});

describe('ConfigStore.value', () => {
  it('gives the value, the default of a missing file, and what a change makes of it', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    assert.equal(store.value('databytes'), 0);
    assert.equal(store.value('me'), 'host.example');
    assert.equal(store.value('spool_dir'), '/home/smtpd/tmp');
    config.write('config/databytes', '1000\n');
    config.later();
    const bytes: number = store.value('databytes');
    assert.equal(bytes, 1000);
    rmSync(config.path('config/databytes'));
    config.later();
    assert.equal(store.value('databytes'), 0);
  });

  it('parses once a change', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/plugins', 'relay\nrcpt_ok\n');
    const first = store.value('plugins');
    config.later();
    assert.equal(store.value('plugins'), first);
    config.write('config/plugins', 'relay\nrcpt_ok\ntls\n');
    config.later();
    assert.deepEqual(
      store.value('plugins').map(({ name }) => name),
      ['relay', 'rcpt_ok', 'tls'],
    );
  });

  it('keeps the last good value, else the default, and reports a bad one once', (t) => {
    const config = new TempConfig(t);
    const store = config.store();
    config.write('config/databytes', 'lots\n');
    assert.equal(store.value('databytes'), 0);
    assert.equal(store.value('databytes'), 0);
    assert.deepEqual(config.codes(), ['error BAD_VALUE']);
    config.write('config/databytes', '1000\n5\n');
    config.later();
    assert.equal(store.value('databytes'), 1000);
    assert.deepEqual(config.codes(), ['warning EXTRA_LINE']);
    config.write('config/databytes', '10M\n');
    for (let round = 0; round < 3; round++) {
      config.later();
      assert.equal(store.value('databytes'), 1000);
    }
    assert.deepEqual(config.codes(), ['error BAD_VALUE']);
  });

  it('puts what was given at start before the file', (t) => {
    const config = new TempConfig(t);
    config.write('config/databytes', '1000\n');
    config.write('config/timeout', '30\n');
    const store = config.store({ databytes: ' 77 ', timeout: 'soon' });
    assert.equal(store.value('databytes'), 77);
    assert.deepEqual(texts(store.lines('databytes')), ['77']);
    assert.equal(store.lines('databytes'), store.lines('databytes'));
    assert.equal(store.value('timeout'), 1200);
    const [finding] = config.findings;
    assert.deepEqual(finding?.where, { file: 'timeout (given at start)' });
    assert.deepEqual(config.codes(), ['error BAD_VALUE']);
  });
});

describe('ConfigStore.checkAll', () => {
  it('gives every finding of every known file without reporting or changing anything', (t) => {
    const config = new TempConfig(t);
    config.write('config/databytes', '10\n');
    const store = config.store({ timeout: 'soon' });
    assert.equal(store.value('databytes'), 10);
    config.write('config/databytes', '10M\n');
    config.write('config/plugins', 'relay\n$include gone\nrelay\n');
    config.write('config/unknown', '$include gone\n');
    const findings = store
      .checkAll()
      .map(({ code, where }) => [code, where?.file.replace(/.*\//, ''), where?.line]);
    assert.deepEqual(findings.sort(), [
      ['BAD_VALUE', 'databytes', 1],
      ['BAD_VALUE', 'timeout (given at start)', undefined],
      ['DUPLICATE_PLUGIN', 'plugins', 3],
      ['MISSING_INCLUDE', 'plugins', 2],
    ]);
    assert.deepEqual(config.codes(), []);
    assert.equal(store.value('databytes'), 10);
  });

  it('finds nothing wrong with good files, and names a folder that is not there', (t) => {
    const config = new TempConfig(t);
    config.write('config/databytes', '10\n');
    assert.deepEqual(config.store().checkAll(), []);
    const dirs = new ConfigDirs([config.path('config'), config.path('typo')]);
    const store = new ConfigStore({ dirs, clock: config.clock, report: () => {}, hostname: 'h', home: '/' });
    assert.deepEqual(
      store.checkAll().map(({ severity, code, where }) => [severity, code, where?.file]),
      [['warning', 'MISSING_FOLDER', config.path('typo')]],
    );
  });

  it('takes it for an error where no folder is there at all', (t) => {
    const config = new TempConfig(t);
    const dirs = new ConfigDirs([config.path('typo')]);
    const store = new ConfigStore({ dirs, clock: config.clock, report: () => {}, hostname: 'h', home: '/' });
    assert.deepEqual(
      store.checkAll().map(({ severity, code, where }) => [severity, code, where?.file]),
      [['error', 'MISSING_FOLDER', config.path('typo')]],
    );
  });
});
