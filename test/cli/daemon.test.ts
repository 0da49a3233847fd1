// Whose rights a server gets that root has started, by a file in the place of /etc/passwd.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { accountFor } from '../../src/cli/daemon.ts';
import { parseListenAddress } from '../../src/server/listen-address.ts';

const root = 'root:x:0:0:root:/root:/bin/sh';
const smtpd = 'smtpd:x:997:996:mail:/home/smtpd:/usr/sbin/nologin';

function passwd(t: TestContext, ...entries: string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-passwd-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'passwd'), `${entries.join('\n')}\n`);
  return join(dir, 'passwd');
}

describe('without --user', () => {
  const addresses = (...texts: string[]) => texts.map(parseListenAddress);

  it('root becomes the account of the server', (t) => {
    const host = { uid: 0, passwd: passwd(t, root, smtpd) };
    assert.equal(accountFor(undefined, addresses('[::]:25'), host)?.uid, 997);
  });

  it('root stays root for loopback only', (t) => {
    const host = { uid: 0, passwd: passwd(t, root) };
    const local = addresses('127.0.0.1:25', '[::1]:25', '127.9.9.9:25', '/run/smtp.sock');
    assert.equal(accountFor(undefined, local, host), null);
    for (const open of ['[::]:25', '0.0.0.0:25', '*:25', '192.0.2.1:25', 'mx.example:25']) {
      const mixed = [...local, ...addresses(open)];
      assert.throws(() => accountFor(undefined, mixed, host), {
        message:
          'there is neither a user smtpd nor a user qpsmtpd, and root serves loopback only: name a user with --user NAME',
      });
    }
  });

  it('anybody else stays who he is', (t) => {
    const host = { uid: 1000, passwd: passwd(t, root, smtpd) };
    assert.equal(accountFor(undefined, addresses('[::]:25'), host), null);
  });
});
