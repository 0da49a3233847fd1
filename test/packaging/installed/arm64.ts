// The package for arm64, made as docs/INSTALLING.md says: the same contents as that for amd64, and an executable that
// receives a message, run by qemu. Left out where the executable for arm64 has not been built.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { armLibraries, makePackage, whyNot } from '../debian-root.ts';

const executable = join(import.meta.dirname, '..', '..', '..', 'dist', 'arm64', 'qpsmtpd');
const notBuilt = existsSync(executable) ? false : 'needs dist/arm64/qpsmtpd (see docs/INSTALLING.md)';
const skip = notBuilt || whyNot('dpkg-deb', 'qemu-aarch64-static');

interface Ending {
  after(done: () => void): void;
}

function folderFor(t: Ending): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-arm64-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Place and permissions of every file; sizes differ with the executable. */
function contents(file: string): string[] {
  const list = execFileSync('dpkg-deb', ['-c', file], { encoding: 'utf8' });
  return list.split('\n').map((line) => line.replace(/^(\S+ +\S+) +\d+ \S+ \S+/, '$1'));
}

/** The port that it says it listens on. */
async function portOf({ stderr }: ChildProcess): Promise<string> {
  if (stderr === null) return assert.fail('its words are needed');
  const said: string[] = [];
  for await (const line of createInterface({ input: stderr })) {
    const [, port] = /Listening on 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (port !== undefined) return port;
    said.push(line);
  }
  return assert.fail(said.join('\n'));
}

describe('the package for arm64', { skip }, () => {
  test('has what the one for amd64 has', (t) => {
    const folder = folderFor(t);
    const [one, other] = (['x64', 'arm64'] as const).map((arch) => makePackage('deb', folder, { arch }));
    assert.deepEqual(contents(other ?? ''), contents(one ?? ''));
    const about = execFileSync('dpkg-deb', ['-f', other ?? '', 'Architecture'], { encoding: 'utf8' });
    assert.equal(about, 'arm64\n');
  });

  test('has an executable that receives a message', async (t) => {
    const folder = folderFor(t);
    const files = {
      plugins: `rcpt_ok\nqueue/maildir ${join(folder, 'Maildir')}\n`,
      rcpthosts: 'example.org\n',
      spool_dir: `${join(folder, 'spool')}\n`,
    };
    mkdirSync(join(folder, 'spool'), { mode: 0o700 });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const words = ['-L', armLibraries(), executable, 'serve', '--config', folder, '--listen', '127.0.0.1:0'];
    const server = spawn('qemu-aarch64-static', [...words, '--user', 'root'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      const port = await portOf(server);
      const client = ['--server', `127.0.0.1:${port}`, '--from', 'a@example.com', '--to', 'b@example.org'];
      execFileSync('swaks', [...client, '--silent', '3']);
      assert.equal(readdirSync(join(folder, 'Maildir', 'new')).length, 1);
    } finally {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
  });
});
