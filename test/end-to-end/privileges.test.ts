// What the processes of a server may do once it serves, as the kernel tells it: root has bound the port, and is gone.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { plainEnv, programCommand, run } from '../support/program.ts';
import { makeServerDir, startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';
import { workersOf } from '../support/workers.ts';

/** Any account that there is on every Linux. */
const USER = 'daemon';

const idOf = (...words: string[]) => execFileSync('id', [...words, USER], { encoding: 'latin1' }).trim();

/** Why this cannot be had here; false where it can. */
function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  // The workers are started by that user.
  const { command, args } = programCommand();
  const own = { uid: Number(idOf('-u')), gid: Number(idOf('-g')), cwd: '/', env: plainEnv('/') };
  const { status } = spawnSync(command, [...args, '--version'], own);
  return status === 0 ? false : `${USER} may not run the program`;
}

const files = { plugins: 'rcpt_ok\nqueue/maildir @DIR@/mail', rcpthosts: 'b.example' };

function start(
  model: 'serve' | 'forkserver',
  prepareMore: (dir: string) => void = () => {},
): Promise<TestServer> {
  return startServer({
    model,
    config: files,
    args: ['--user', USER, '--pid-file', '@DIR@/pid', ...(model === 'forkserver' ? ['--workers', '2'] : [])],
    prepare(dir) {
      chmodSync(dir, 0o755);
      for (const name of ['spool', 'mail']) {
        mkdirSync(join(dir, name), { mode: 0o700 });
        chownSync(join(dir, name), Number(idOf('-u')), Number(idOf('-g')));
      }
      prepareMore(dir);
    },
  });
}

/** The fields of /proc/PID/status that say what a process may do, words apart by one blank. */
function rightsOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'latin1').split('\n');
  const fields = lines.map((line) => line.split(':') as [string, string | undefined]);
  const names = ['Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff', 'Umask'];
  return Object.fromEntries(
    fields
      .filter(([name]) => names.includes(name))
      .map(([name, value = '']) => [name, value.trim().split(/\s+/).join(' ')]),
  );
}

const four = (id: string) => Array(4).fill(id).join(' ');

function assertUnprivileged(pid: number): void {
  assert.deepEqual(rightsOf(pid), {
    Umask: '0077',
    Uid: four(idOf('-u')),
    Gid: four(idOf('-g')),
    Groups: idOf('-G'),
    CapPrm: '0000000000000000',
    CapEff: '0000000000000000',
  });
  assert.equal(readFileSync(`/proc/${pid}/coredump_filter`, 'latin1').trim(), '00000000');
}

const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'latin1').trim();

async function deliver({ port }: TestServer): Promise<void> {
  const client = await greeted({ port });
  await client.openData('a@a.example', 'user@b.example');
  await client.command('Subject: unprivileged\r\n\r\nbody\r\n.', 250);
  await client.command('QUIT', 221);
}

describe('root starts it with --user', { skip: whyNot() }, () => {
  test('serve: user, groups, capabilities, umask, core dumps and name', async () => {
    const server = await start('serve');
    assertUnprivileged(server.pid);
    assert.equal(nameOf(server.pid), 'qpsmtpd');
    await deliver(server);
    assert.doesNotMatch(server.stderr(), /spool_dir|as root|a reload will be refused/);
    // In a folder of root's, as /run is.
    assert.equal(readFileSync(join(server.dir, 'pid'), 'latin1'), `${server.pid}\n`);
  });

  test('serve: a file that only root can read is warned of, as a reload would miss it', async () => {
    const server = await start('serve', (dir) => chmodSync(join(dir, 'config', 'rcpthosts'), 0o600));
    assert.match(
      server.stderr(),
      /^warn: \S+rcpthosts: .*cannot be read by the user daemon, .*; root has read it for this start, and a reload will be refused/m,
    );
  });

  test('forkserver: the same for the parent and all workers, whose programs and home are fixed', async () => {
    const server = await start('forkserver');
    const deadline = Date.now() + 30_000;
    while (workersOf(server.pid).length < 2) {
      assert.ok(Date.now() < deadline);
      await pause(20);
    }
    assertUnprivileged(server.pid);
    assert.equal(readFileSync(join(server.dir, 'pid'), 'latin1'), `${server.pid}\n`);
    for (const pid of workersOf(server.pid)) {
      assertUnprivileged(pid);
      const env = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      const [, , , , , home] = execFileSync('getent', ['passwd', USER], { encoding: 'latin1' }).split(':');
      for (const one of ['PATH=/usr/bin:/bin:/var/qmail/bin', `HOME=${home}`, `USER=${USER}`]) {
        assert.ok(env.includes(one), `${one} in ${env.join(' ')}`);
      }
    }
    await deliver(server);
    assert.equal(nameOf(server.pid), 'qpsmtpd');
    assert.ok(workersOf(server.pid).map(nameOf).includes('qpsmtpd-worker'));
  });

  for (const [what, prepare, says] of [
    [
      'may not make',
      (dir: string) => chmodSync(dir, 0o755),
      /^error: spool_dir \S+\/spool: the server, with the user id \d+, may not make it; as root, say "install -d -o \d+ -m 0700 \S+\/spool"$/m,
    ],
    [
      'may not write to',
      (dir: string) => {
        chmodSync(dir, 0o755);
        mkdirSync(join(dir, 'spool'), { mode: 0o700 });
      },
      /^error: spool_dir \S+\/spool: it has the permissions 0700, and belongs to the user id 0: the server, with the user id \d+, may not write there; chown it$/m,
    ],
  ] as const) {
    test(`a spool_dir that the user ${what}: told, and not served`, async (t) => {
      const dir = makeServerDir({ config: files });
      t.after(() => rmSync(dir, { recursive: true, force: true }));
      prepare(dir);
      const { command, args } = programCommand();
      const words = ['serve', '--config', join(dir, 'config'), '--listen', '127.0.0.1:0', '--user', USER];
      const { code, stderr } = await run(command, [...args, ...words], { env: plainEnv(dir), cwd: dir });
      assert.match(stderr, says);
      assert.equal(code, 1);
    });
  }
});
