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
    assert.deepEqual(new Spool({ dir, perms: 0o770 }, 7).prepare(), []);
    assert.equal(statSync(dir).mode & 0o7777, 0o770);
  });

  it('of other permissions is left alone, with a warning', (t) => {
    const dir = tempFolder(t);
    chmodSync(dir, 0o755);
    const warnings = new Spool({ dir, perms: 0o700 }, 7).prepare();
    assert.deepEqual(warnings, [`permissions on spool_dir ${dir} are 0755, not 0700`]);
    assert.equal(statSync(dir).mode & 0o7777, 0o755);
    chmodSync(dir, 0o1700);
    assert.equal(new Spool({ dir, perms: 0o700 }, 7).prepare().length, 1);
  });

  it('that is right is left alone without a word', (t) => {
    const dir = tempFolder(t);
    chmodSync(dir, 0o700);
    assert.deepEqual(new Spool({ dir, perms: 0o700 }, 7).prepare(), []);
    chmodSync(dir, 0o2700);
    assert.deepEqual(new Spool({ dir, perms: 0o700 }, 7).prepare(), []);
  });

  it('of somebody else gives a warning', (t) => {
    const dir = tempFolder(t);
    const { uid } = statSync(dir);
    const warnings = new Spool({ dir, perms: 0o700 }, 7).prepare(uid + 1);
    assert.deepEqual(warnings, [
      `spool_dir ${dir} belongs to the user id ${uid}, not to ${uid + 1} who serves: chown it`,
    ]);
  });

  it('on a disk that is mounted read-only is an error that says so', (t) => {
    const spool = new Spool({ dir: tempFolder(t), perms: 0o700 }, 7);
    const access = () => {
      throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
    };
    const message = 'it lies on a file system that is mounted read-only';
    assert.throws(() => spool.prepare(undefined, access), { message });
  });

  it('that is a file is an error', (t) => {
    const dir = join(tempFolder(t), 'file');
    writeFileSync(dir, '');
    const message = 'there is a file in its place, or above it';
    assert.throws(() => new Spool({ dir, perms: 0o700 }, 7).prepare(), { message });
    const below = new Spool({ dir: join(dir, 'spool'), perms: 0o700 }, 7);
    assert.throws(() => below.prepare(), { message });
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
