// Whom the server will run as, as check-config sees it.

import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { homeOf, serverUser } from '../../../src/cli/check/server-user.ts';
import { tempFolder } from './support.ts';

function accounts(passwd: string) {
  const dir = tempFolder({ passwd, group: 'mail:x:8:other,smtpd\nqq:x:9:smtpdx\nbad:x:z:smtpd\n' });
  return { passwd: join(dir, 'passwd'), group: join(dir, 'group') };
}

describe('the user of the server', () => {
  it('is the one of --user, with all groups', () => {
    const files = accounts('root:x:0:0::/root:\nsmtpd:x:71:72::/home/smtpd:\n');
    assert.deepEqual(serverUser('smtpd', files), { name: 'smtpd', uid: 71, gids: [72, 8], isOfItsOwn: true });
    assert.equal(serverUser('root', files).isOfItsOwn, false);
  });

  it('has a home, which is not that of whoever checks', () => {
    const files = accounts('root:x:0:0::/root:\nsmtpd:x:71:72::/home/smtpd:\n');
    assert.equal(homeOf(serverUser('smtpd', files), files), '/home/smtpd');
    const own = { name: 'root', uid: 0, gids: [0], isOfItsOwn: false };
    assert.equal(homeOf(own, files), homedir());
  });

  it('has to be there', () => {
    const files = accounts('root:x:0:0::/root:\n');
    assert.throws(() => serverUser('smtpd', files), /^Error: --user: there is no user "smtpd" on this host$/);
  });

  it('is the own one without --user; for root the account that is made for the server', () => {
    const files = accounts('smtpd:x:71:72::/home/smtpd:\n');
    const uid = process.getuid?.() ?? 0;
    assert.equal(serverUser(undefined, files).uid, uid === 0 ? 71 : uid);
    assert.equal(serverUser(undefined, accounts('')).uid, uid);
  });
});
