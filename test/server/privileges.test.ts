// Which account counts, by a file in the place of /etc/passwd. That the rights are gone then is shown end to end.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { accountOf, ownAccount } from '../../src/server/privileges.ts';

const root = 'root:x:0:0:root:/root:/bin/sh';
const qpsmtpd = 'qpsmtpd:x:107:112::/var/spool/qpsmtpd:/bin/false';
const smtpd = 'smtpd:x:997:996:mail:/home/smtpd:/usr/sbin/nologin';
const account = { name: 'smtpd', uid: 997, gid: 996, home: '/home/smtpd' };

function passwd(t: TestContext, ...entries: string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-passwd-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'passwd'), `${entries.join('\n')}\n`);
  return join(dir, 'passwd');
}

describe('an account', () => {
  it('is that of the name, with its home', (t) => {
    assert.deepEqual(accountOf('smtpd', passwd(t, root, smtpd)), account);
  });

  it('is none for a part of a name, for no name, or for a number', (t) => {
    const file = passwd(t, root, smtpd, ':x:0:0::/:/bin/sh');
    for (const name of ['smt', 'smtpd:x', '', '997', 'x']) {
      assert.throws(() => accountOf(name, file), { message: `there is no user "${name}" on this host` });
    }
  });

  for (const entry of ['smtpd:x:::a:/:', 'smtpd:x:997', 'smtpd:x:-1:5:a:/:', 'smtpd:x:0x0:0:a:/:']) {
    it(`is none in the broken entry ${entry}, which could mean root`, (t) => {
      assert.throws(
        () => accountOf('smtpd', passwd(t, entry)),
        /^Error: the entry of "smtpd" in .* is broken$/,
      );
    });
  }

  it('of the server is smtpd, else qpsmtpd', (t) => {
    assert.equal(ownAccount(passwd(t, root, qpsmtpd, smtpd))?.name, 'smtpd');
    assert.equal(ownAccount(passwd(t, root, qpsmtpd))?.name, 'qpsmtpd');
    assert.equal(ownAccount(passwd(t, root)), null);
  });
});
