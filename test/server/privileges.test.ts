// Which account counts, by a file in the place of /etc/passwd, and by somebody else who knows more. That the rights are
// gone then is shown end to end.

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

const nobody = () => null;

describe('an account', () => {
  it('is that of the name, with its home, and nobody else is asked', (t) => {
    const never = () => assert.fail('asked');
    assert.deepEqual(accountOf('smtpd', passwd(t, root, smtpd), never), account);
  });

  it('that is not in the file is that of whoever knows it', (t) => {
    const asked: string[] = [];
    const getent = (database: string, name: string) => {
      asked.push(`${database} ${name}`);
      return 'smtpd@corp.example:*:500997:500996:mail:/home/corp:/bin/sh';
    };
    assert.deepEqual(accountOf('smtpd', passwd(t, root), getent), {
      ...{ name: 'smtpd', uid: 500_997, gid: 500_996, home: '/home/corp' },
    });
    assert.deepEqual(asked, ['passwd smtpd']);
  });

  it('is none where that one cannot say, which is told', (t) => {
    const getent = () => {
      throw new Error('the directory is on fire');
    };
    const file = passwd(t, root);
    assert.throws(() => accountOf('smtpd', file, getent), {
      message: `there is no user "smtpd" in ${file}, and the directory is on fire`,
    });
  });

  for (const entry of ['', 'smtpd', 'smtpd:x:::a:/:', 'smtpd:x:-1:5:a:/:']) {
    it(`is none in the broken answer "${entry}", which could mean root`, (t) => {
      assert.throws(() => accountOf('smtpd', passwd(t, root), () => entry), {
        message: 'the entry of "smtpd" that getent gives is broken',
      });
    });
  }

  it('is none for a part of a name, for no name, or for a number', (t) => {
    const file = passwd(t, root, smtpd, ':x:0:0::/:/bin/sh');
    for (const name of ['smt', 'smtpd:x', '', '997', 'x']) {
      assert.throws(() => accountOf(name, file, nobody), {
        message: `there is no user "${name}" on this host`,
      });
    }
  });

  for (const entry of ['smtpd:x:::a:/:', 'smtpd:x:997', 'smtpd:x:-1:5:a:/:', 'smtpd:x:0x0:0:a:/:']) {
    it(`is none in the broken entry ${entry}, which could mean root`, (t) => {
      assert.throws(
        () => accountOf('smtpd', passwd(t, entry), nobody),
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
