// The packages for arm64, made as docs/INSTALLING.md says: the same contents as those for amd64, and an executable that
// receives a message, run by qemu. Left out where the executable for arm64 has not been built.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { armLibraries, whyNot } from '../debian-root.ts';
import { makePackage, missingPrograms, notBuilt } from '../making.ts';

const skip = notBuilt('arm64') || whyNot('qemu-aarch64-static');

interface Ending {
  after(done: () => void): void;
}

function folderFor(t: Ending): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-arm64-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Kind {
  readonly name: 'deb' | 'rpm';
  readonly needs: readonly string[];
  /** what the package says of the machine it is for */
  readonly says: string;
  readonly ask: (file: string) => readonly [string, ...string[]];
  readonly list: (file: string) => readonly [string, ...string[]];
  /** a shell's command, in the folder to unpack to */
  readonly unpack: (file: string) => string;
}

const kinds: readonly Kind[] = [
  {
    name: 'deb',
    needs: ['dpkg-deb'],
    says: 'arm64',
    ask: (file) => ['dpkg-deb', '-f', file, 'Architecture'],
    list: (file) => ['dpkg-deb', '-c', file],
    unpack: (file) => `dpkg-deb -x '${file}' .`,
  },
  {
    name: 'rpm',
    needs: ['rpmbuild', 'rpm2cpio', 'cpio'],
    says: 'aarch64',
    ask: (file) => ['rpm', '-qp', '--queryformat', '%{ARCH}', file],
    list: (file) => ['rpm', '-qplv', file],
    unpack: (file) => `rpm2cpio '${file}' | cpio --quiet -id`,
  },
];

const saidBy = ([program, ...words]: readonly [string, ...string[]]) =>
  execFileSync(program, words, { encoding: 'utf8' }).trimEnd();

/** Place, owner and permissions of every file; sizes differ with the executable. */
const contents = (list: string) =>
  list.split('\n').map((line) => line.replace(/^(\S+ +(?:\d+ )?\S+ +(?:[a-z]+ +)?)\d+/, '$1'));

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

/** Receives one message in a folder of its own. */
async function receives(executable: string, folder: string): Promise<void> {
  const files = {
    plugins: `rcpt_ok\nqueue/maildir ${join(folder, 'Maildir')}\n`,
    rcpthosts: 'example.org\n',
    spool_dir: `${join(folder, 'spool')}\n`,
  };
  mkdirSync(join(folder, 'spool'), { recursive: true, mode: 0o700 });
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
}

for (const kind of kinds) {
  describe(`the ${kind.name} package for arm64`, { skip: skip || missingPrograms(...kind.needs) }, () => {
    test('has what the one for amd64 has, and an executable that receives a message', async (t) => {
      const folder = folderFor(t);
      const own = makePackage(kind.name, folder, { arch: 'x64' });
      const file = makePackage(kind.name, folder, { arch: 'arm64' });
      assert.deepEqual(contents(saidBy(kind.list(file))), contents(saidBy(kind.list(own))));
      assert.equal(saidBy(kind.ask(file)), kind.says);
      mkdirSync(join(folder, 'unpacked'));
      execFileSync('sh', ['-e', '-c', kind.unpack(file)], { cwd: join(folder, 'unpacked') });
      await receives(join(folder, 'unpacked', 'usr/bin/qpsmtpd'), join(folder, 'config'));
    });
  });
}
