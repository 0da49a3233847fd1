import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { defaultDirs, examine, readPlainFile } from '../../src/config/config-dir.ts';
import { TempConfig } from './support.ts';

describe('ConfigDirs', () => {
  it('finds each file in the first folder that has it', (t) => {
    const config = new TempConfig(t, ['one', 'two']);
    config.write('one/me', 'a\n');
    config.write('two/me', 'b\n');
    config.write('two/databytes', '1\n');
    assert.equal(config.dirs.locate('me'), config.path('one/me'));
    assert.equal(config.dirs.locate('databytes'), config.path('two/databytes'));
    assert.equal(config.dirs.locate('timeout'), null);
  });

  it('finds files in sub folders', (t) => {
    const config = new TempConfig(t);
    config.write('config/dkim/x', '');
    assert.equal(config.dirs.locate('dkim/x'), config.path('config/dkim/x'));
    assert.equal(config.dirs.locate('dkim/x/y'), null);
  });

  it('passes folders over unless they are wanted', (t) => {
    const config = new TempConfig(t, ['one', 'two']);
    mkdirSync(config.path('one/plugins'));
    config.write('two/plugins', '');
    assert.equal(config.dirs.locate('plugins'), config.path('two/plugins'));
    assert.equal(config.dirs.locate('plugins', 'any'), config.path('one/plugins'));
  });

  it('never leaves its folders', (t) => {
    const config = new TempConfig(t);
    const outside = config.write('secret', 'x\n');
    config.write('config/sub/me', 'x\n');
    for (const name of ['../secret', 'sub/../../secret', outside, 'sub/../sub/me', './sub/me', 'sub//me']) {
      assert.equal(config.dirs.locate(name), null, name);
    }
    for (const name of ['', '.', '..', 'sub/', '/', 'sub/me\0', 'sub\\me', 'sub/\nme']) {
      assert.equal(config.dirs.locate(name), null, JSON.stringify(name));
    }
    assert.equal(config.dirs.locate('sub/me'), config.path('config/sub/me'));
  });

  it('takes what cannot be examined for found, and a name that is too long for absent', (t) => {
    const config = new TempConfig(t);
    symlinkSync('me', config.path('config/me'));
    assert.equal(config.dirs.locate('me'), config.path('config/me'));
    assert.deepEqual(examine(config.path('config/me')), { kind: 'unknown', stamp: 'ELOOP' });
    assert.equal(config.dirs.locate('x'.repeat(5000)), null);
  });

  it('does not wait for devices', () => {
    assert.throws(() => readPlainFile('/dev/zero'), /not a plain file/);
  });
});

describe('defaultDirs', () => {
  const order = { given: [], env: {}, beside: ['/opt/qpsmtpd'], exists: () => true };

  it('searches beside the installation and at qmail', () => {
    assert.deepEqual(defaultDirs(order), ['/opt/qpsmtpd/config', '/var/qmail/control']);
    assert.deepEqual(defaultDirs({ ...order, beside: [] }), ['/var/qmail/control']);
    const two = defaultDirs({ ...order, beside: ['/home/smtpd/qpsmtpd', '/usr'] });
    assert.deepEqual(two, ['/home/smtpd/qpsmtpd/config', '/usr/config', '/var/qmail/control']);
  });

  it('puts QPSMTPD_CONFIG first and $QMAIL/control before the usual one', () => {
    const env = { QPSMTPD_CONFIG: '/etc/qpsmtpd', QMAIL: '/q' };
    const expected = ['/etc/qpsmtpd', '/opt/qpsmtpd/config', '/q/control', '/var/qmail/control'];
    assert.deepEqual(defaultDirs({ ...order, env }), expected);
  });

  it('takes the folders of the command line in place of QPSMTPD_CONFIG', () => {
    const env = { QPSMTPD_CONFIG: '/etc/qpsmtpd' };
    const dirs = defaultDirs({ ...order, env, given: ['/b', '/a', '/b'] });
    assert.deepEqual(dirs, ['/b', '/a', '/opt/qpsmtpd/config', '/var/qmail/control']);
  });

  it('drops what nobody named and is not there, and keeps what was named', () => {
    const exists = (path: string) => path === '/var/qmail/control';
    const dirs = defaultDirs({ ...order, exists, given: ['/typo'] });
    assert.deepEqual(dirs, ['/typo', '/var/qmail/control']);
  });

  it('gives absolute paths, each once, and takes empty variables for unset', () => {
    const env = { QPSMTPD_CONFIG: '', QMAIL: '' };
    assert.deepEqual(defaultDirs({ ...order, env }), ['/opt/qpsmtpd/config', '/var/qmail/control']);
    assert.deepEqual(defaultDirs({ ...order, env: { QMAIL: '/var/qmail' } }).length, 2);
    assert.equal(defaultDirs({ ...order, given: ['conf'] })[0], join(resolve('.'), 'conf'));
  });
});
