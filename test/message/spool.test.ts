import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Spool } from '../../src/message/spool.ts';

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-spool-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('spool_dir', () => {
  it('is made with the permissions of spool_perms, parents too', (t) => {
    const dir = join(tempFolder(t), 'var', 'spool');
    assert.equal(new Spool({ dir, perms: 0o770 }, 7).prepare(), null);
    assert.equal(statSync(dir).mode & 0o7777, 0o770);
  });

  it('of other permissions is left alone, with a warning', (t) => {
    const dir = tempFolder(t);
    chmodSync(dir, 0o755);
    const warning = new Spool({ dir, perms: 0o700 }, 7).prepare();
    assert.equal(warning, `permissions on spool_dir ${dir} are 0755, not 0700`);
    assert.equal(statSync(dir).mode & 0o7777, 0o755);
  });

  it('that is right is left alone without a word', (t) => {
    const dir = tempFolder(t);
    chmodSync(dir, 0o700);
    assert.equal(new Spool({ dir, perms: 0o700 }, 7).prepare(), null);
  });

  it('that is a file is an error', (t) => {
    const dir = join(tempFolder(t), 'file');
    writeFileSync(dir, '');
    assert.throws(() => new Spool({ dir, perms: 0o700 }, 7).prepare(), { code: 'EEXIST' });
  });

  it('has a name for every file', () => {
    const spool = new Spool({ dir: 'spool', perms: 0o700 }, 7);
    const now = new Date(1999);
    assert.deepEqual(
      [spool.newPath(now), spool.newPath(now)],
      [join('spool', '1:7:0'), join('spool', '1:7:1')],
    );
  });
});
