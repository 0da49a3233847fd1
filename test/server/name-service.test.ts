// How getent is asked, by stand-ins of it, and by that of this host.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { makeGetent } from '../../src/server/name-service.ts';

/** A folder with a program getent of these lines of sh. */
function folderWith(t: TestContext, script: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-getent-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'getent'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return dir;
}

describe('getent', () => {
  it('is asked for one name, and its line is the answer', (t) => {
    const dir = folderWith(t, 'printf \'%s|\' "$#" "$@"; echo; echo more');
    const getent = makeGetent(['/nowhere', dir]);
    assert.equal(getent('passwd', 'smtpd'), '2|passwd|smtpd|');
    assert.equal(getent('initgroups', 'CORP\\smtpd$'), '2|initgroups|CORP\\smtpd$|');
  });

  it('hears names as they are: no shell reads them', (t) => {
    const dir = folderWith(t, 'printf \'%s\' "$2" > "$0.heard"');
    const getent = makeGetent([dir]);
    for (const name of ['$HOME', '`id`', 'a b', 'a;b', "a'b", 'a\nb', 'a*', '/a', 'a:b', 'a\0b'])
      assert.equal(getent('passwd', name), null, name);
    assert.equal(existsSync(join(dir, 'getent.heard')), false);
    assert.equal(getent('passwd', 'a$HOME'), '');
    assert.equal(readFileSync(join(dir, 'getent.heard'), 'latin1'), 'a$HOME');
  });

  it('is not asked for what it would take for a number or an option', (t) => {
    const getent = makeGetent([folderWith(t, 'echo asked')]);
    for (const name of ['', '0', '997', '+0', '-0', '-s', '--help', ' 0']) {
      assert.equal(getent('passwd', name), null, `"${name}"`);
    }
    for (const name of ['0x0', 'a-s', '_a', 'a.b@c.example', 'jürgen']) {
      assert.equal(getent('passwd', name), 'asked', `"${name}"`);
    }
  });

  it('says with 2 that there is nobody of that name', (t) => {
    assert.equal(makeGetent([folderWith(t, 'exit 2')])('passwd', 'smtpd'), null);
  });

  it('that fails is told, with its own words', (t) => {
    for (const [script, how] of [
      [
        'echo "no such" >&2; echo database >&2; exit 1',
        /^Error: \/\S+\/getent failed \(exit code 1: no such \/ database\)$/,
      ],
      ['exit 3', /getent failed \(exit code 3\)$/],
      ['kill -9 $$', /getent failed \(SIGKILL\)$/],
      ['while echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; do :; done', /getent failed \(.*ENOBUFS/],
    ] as const) {
      assert.throws(() => makeGetent([folderWith(t, script)])('passwd', 'smtpd'), how);
    }
  });

  it('that does not answer is not waited for any longer', (t) => {
    const dir = folderWith(t, 'exec /bin/sleep 600');
    assert.throws(() => makeGetent([dir], 200)('passwd', 'smtpd'), {
      message: `${dir}/getent did not find out within 0.2 s who that is`,
    });
  });

  it('that is not there is told, as is one that nobody may run', (t) => {
    const dir = folderWith(t, 'echo asked');
    chmodSync(join(dir, 'getent'), 0o644);
    assert.throws(() => makeGetent(['/nowhere', dir])('passwd', 'smtpd'), {
      message: `the program getent of the C library, which knows those of LDAP and the like, is not in /nowhere, ${dir}`,
    });
  });

  it('gets nothing of our environment', (t) => {
    const dir = folderWith(t, 'echo "$PATH|$HOME|$LC_ALL"');
    assert.equal(makeGetent([dir])('passwd', 'smtpd'), `${dir}||C`);
  });

  const here = existsSync('/usr/bin/getent') ? false : 'there is no /usr/bin/getent';
  it('of this host knows root, and does not know everybody', { skip: here }, () => {
    const getent = makeGetent();
    assert.match(getent('passwd', 'root') ?? '', /^root:[^:]*:0:0:/);
    assert.equal(getent('passwd', 'qpsmtpd-no-such-user'), null);
  });
});
