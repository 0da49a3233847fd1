// Whom the server will run as, as check-config sees it.

import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { homeOf, serverUser } from '../../../src/cli/check/server-user.ts';
import type { Getent } from '../../../src/server/name-service.ts';
import { tempFolder } from './support.ts';

function accounts(passwd: string, getent: Getent = () => null) {
  const dir = tempFolder({ passwd, group: 'mail:x:8:other,smtpd\nqq:x:9:smtpdx\nbad:x:z:smtpd\n' });
  return { passwd: join(dir, 'passwd'), group: join(dir, 'group'), getent };
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

  it('may be one of a directory, with the groups of that', () => {
    const known = { passwd: 'smtpd:*:571:572::/home/corp:', initgroups: 'smtpd  572 580 8' };
    const sources = accounts('root:x:0:0::/root:\n', (database) => known[database]);
    const user = serverUser('smtpd', sources);
    assert.deepEqual(user, { name: 'smtpd', uid: 571, gids: [572, 8, 580], isOfItsOwn: true });
    assert.equal(homeOf(user, sources), '/home/corp');
    // Not each getent knows the database of groups.
    const less = accounts('root:x:0:0::/root:\n', (database) => {
      if (database === 'passwd') return known.passwd;
      throw new Error('Unknown database: initgroups');
    });
    assert.deepEqual(serverUser('smtpd', less).gids, [572, 8]);
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
