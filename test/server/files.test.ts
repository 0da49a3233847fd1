// Files by which the server knows itself and its user: the pid file, and an account of passwd(5).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { claimPidFile, releasePidFile, reservePidFile } from '../../src/server/pid-file.ts';
import { accountOf } from '../../src/server/privileges.ts';
import { cleanUp } from '../support/cleanup.ts';

function tempFile(text?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  if (text !== undefined) writeFileSync(path, text);
  return path;
}

/** The id of a process that has been and is no more. */
async function goneProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('the pid file', () => {
  it('holds the process id with a line end, and goes with the process', () => {
    const path = tempFile();
    claimPidFile(path, process.pid);
    assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`);
    releasePidFile(path, process.pid);
    assert.equal(existsSync(path), false);
  });

  it('of another running process is left alone', () => {
    const path = tempFile(`${process.ppid}\n`);
    const pid = process.pid;
    assert.throws(() => claimPidFile(path, pid), {
      message: `${path}: a server with process id ${process.ppid} is running already`,
    });
    assert.equal(readFileSync(path, 'utf8'), `${process.ppid}\n`);
    releasePidFile(path, pid);
    assert.equal(existsSync(path), true);
  });

  it('of a process that is gone, of the same process, or with nonsense in it is taken over', async () => {
    for (const text of [`${await goneProcess()}\n`, `${process.pid}\n`, '', 'nonsense', '-1', '0']) {
      const path = tempFile(text);
      claimPidFile(path, process.pid);
      assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`, JSON.stringify(text));
    }
  });

  it('of a process of another program is taken over when that began after the file was written', () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    cleanUp(() => void child.kill());
    const path = tempFile(`${child.pid}\n`);
    // It began before: it may be the server, under a name that we do not know.
    assert.throws(() => claimPidFile(path, process.pid), { message: /is running already$/ });
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(path, hourAgo, hourAgo);
    claimPidFile(path, process.pid);
    assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`);
  });

  it('of a process of this program is left alone, however old the file is', async () => {
    const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)']);
    cleanUp(() => void child.kill());
    await once(child.stdout, 'data');
    const path = tempFile(`${child.pid}\n`);
    utimesSync(path, 0, 0);
    assert.throws(() => claimPidFile(path, process.pid), { message: /is running already$/ });
  });

  describe('of root, who becomes another user', { skip: process.geteuid?.() !== 0 && 'needs root' }, () => {
    const user = { uid: 4_000_001, gid: 4_000_002 };

    it('belongs to that user in a folder of root, new or left behind, and keeps what it says', () => {
      for (const text of [undefined, '0\n']) {
        const path = tempFile(text);
        reservePidFile(path, user);
        const { uid, gid } = statSync(path);
        assert.deepEqual({ uid, gid }, user);
        assert.equal(readFileSync(path, 'latin1'), text ?? '');
      }
    });

    it('is left alone while it names a server that runs', () => {
      const path = tempFile(`${process.ppid}\n`);
      reservePidFile(path, user);
      assert.equal(statSync(path).uid, 0);
    });

    it('is not made where others can write: it could lead anywhere', () => {
      const target = tempFile('secret');
      const path = tempFile();
      symlinkSync(target, path);
      reservePidFile(path, user);
      assert.equal(statSync(target).uid, 0, 'a link is not followed');
      for (const open of [
        () => chmodSync(dirname(path), 0o777),
        () => chownSync(dirname(path), user.uid, 0),
      ]) {
        rmSync(path, { force: true });
        chownSync(dirname(path), 0, 0);
        chmodSync(dirname(path), 0o755);
        open();
        reservePidFile(path, user);
        assert.equal(existsSync(path), false);
      }
    });
  });

  it('that cannot be written is an error that names it', () => {
    const path = join(tempFile(), 'no', 'such', 'folder');
    assert.throws(() => claimPidFile(path, 1), { message: /^\S*folder: cannot be written: ENOENT/ });
  });

  it('that somebody else has removed is no error at the end', () => {
    assert.doesNotThrow(() => releasePidFile(tempFile(), process.pid));
  });
});

describe('accountOf', () => {
  const passwd = [
    'root:x:0:0:root:/root:/bin/sh',
    'mail:x:8:12:mail:/var/mail:/usr/sbin/nologin',
    'bare:x:1000:1001::',
    'broken:x:::nobody:/:',
    'letters:x:one:two:::',
    'nouid:x::12:::',
    'nogid:x:8::::',
    '',
  ].join('\n');
  const read = (name: string) => accountOf(name, tempFile(passwd), () => null);

  it('gives the numbers and the home of a user', () => {
    assert.deepEqual(read('mail'), { name: 'mail', uid: 8, gid: 12, home: '/var/mail' });
  });

  it('has / for a user without a home', () => {
    assert.deepEqual(read('bare'), { name: 'bare', uid: 1000, gid: 1001, home: '/' });
  });

  for (const name of ['nobody-knows', 'mai', '', 'root:x', 'root:x:0']) {
    it(`knows no user "${name}"`, () => {
      assert.throws(() => read(name), { message: `there is no user "${name}" on this host` });
    });
  }

  for (const name of ['broken', 'letters', 'nouid', 'nogid']) {
    it(`does not take the entry "${name}" for root`, () => {
      assert.throws(() => read(name), { message: /^the entry of "\w+" in \S+ is broken$/ });
    });
  }
});
