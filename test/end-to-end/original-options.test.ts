// The options of the original's programs, under their names: each is taken, or refused with a sentence. And unix sockets,
// which the original's programs do not have, at both.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { eventually } from '../support/processes.ts';
import { plainEnv, programCommand } from '../support/program.ts';
import { makeServerDir } from '../support/server-process.ts';
import { connect, SmtpDialog } from '../support/smtp-dialog.ts';

type Name = 'qpsmtpd-forkserver' | 'qpsmtpd-prefork';

const isRoot = process.getuid?.() === 0;
// A user that the program may become, whoever runs the tests.
const { username } = userInfo();

interface Running {
  readonly pid: number;
  readonly dir: string;
  readonly said: () => string;
  readonly exited: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
}

/** Starts the program under another name, with `@DIR@` in its words for a folder of its own. */
function startAs(name: Name, words: readonly string[]): Running {
  const dir = makeServerDir({ config: { plugins: ['rcpt_ok'], loglevel: 'notice' } });
  const { command, args } = programCommand();
  const child = spawn(command, [...args, ...words.map((word) => word.replaceAll('@DIR@', dir))], {
    argv0: name,
    cwd: dir,
    env: plainEnv(dir, { QPSMTPD_CONFIG: join(dir, 'config') }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('latin1').on('data', (text: string) => {
      out.text += text;
    });
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);
  cleanUp(async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(dir, { recursive: true, force: true });
  });
  const signal = (which: NodeJS.Signals) => void child.kill(which);
  return { pid: child.pid ?? 0, dir, said: () => out.text, exited, signal };
}

const serves = ({ said }: Running, places: number) =>
  eventually(`listening: ${said()}`, () => said().match(/Listening on/g)?.length === places, 20_000);

const ports = ({ said }: Running) =>
  [...said().matchAll(/Listening on .*:(\d+)\n/g)].map(([, port]) => Number(port));

async function stop(server: Running): Promise<void> {
  server.signal('SIGTERM');
  assert.equal(await server.exited, 0, server.said());
}

describe("options of the original's programs", { concurrency: 2 }, () => {
  for (const words of [
    [
      '-l',
      '127.0.0.1',
      '-l',
      '127.0.0.2:0',
      '-p',
      '0',
      '-c',
      '7',
      '-u',
      username,
      '-m',
      '3',
      '-H',
      '--pid-file',
      '@DIR@/pid',
    ],
    [
      ...[
        '--listen-address',
        '127.0.0.1',
        '--listen-address=127.0.0.2:0',
        '--port',
        '0',
        '--limit-connections',
        '7',
      ],
      ...['--user', username, '--max-from-ip', '3', '--no-rdns', '--pid-file', '@DIR@/pid'],
    ],
  ]) {
    test(`qpsmtpd-forkserver ${words.join(' ')}`, async () => {
      const server = startAs('qpsmtpd-forkserver', words);
      await serves(server, 2);
      assert.equal(readFileSync(join(server.dir, 'pid'), 'utf8'), `${server.pid}\n`);
      const [port = 0] = ports(server);
      const client = await connect(port);
      await client.expect(220);
      await client.command('QUIT', 221);
      await stop(server);
      assert.ok(!existsSync(join(server.dir, 'pid')));
    });
  }

  for (const words of [
    [
      ...['--quiet', '--debug', '--listen-address', '127.0.0.1:0', '--interface', '127.0.0.2', '--port', '0'],
      ...[
        '--max-from-ip',
        '10',
        '--children',
        '15',
        '--idle-children',
        '5',
        '--pretty-child',
        '--user',
        username,
      ],
      ...['--pid-file', '@DIR@/pid', '--renice-parent', '5'],
    ],
  ]) {
    test(`qpsmtpd-prefork ${words.join(' ')}`, async () => {
      const server = startAs('qpsmtpd-prefork', words);
      await serves(server, 2);
      assert.equal(readFileSync(join(server.dir, 'pid'), 'utf8'), `${server.pid}\n`);
      await stop(server);
    });
  }

  for (const name of ['qpsmtpd-forkserver', 'qpsmtpd-prefork'] as const) {
    test(`${name}: --detach goes on in the background`, async () => {
      const file = '@DIR@/pid';
      const server = startAs(name, [
        '--detach',
        '--listen-address',
        '127.0.0.1:0',
        '--user',
        username,
        '--pid-file',
        file,
      ]);
      assert.equal(await server.exited, 0, server.said());
      const pid = Number(readFileSync(join(server.dir, 'pid'), 'utf8'));
      assert.notEqual(pid, server.pid);
      process.kill(pid, 'SIGTERM');
      await eventually('the end', () => !existsSync(join(server.dir, 'pid')));
    });

    for (const words of [['--help'], ['--version'], ...(name === 'qpsmtpd-forkserver' ? [['-h']] : [])]) {
      test(`${name} ${words.join(' ')}`, async () => {
        const asked = startAs(name, words);
        assert.equal(await asked.exited, 0);
        assert.match(asked.said(), words[0] === '--version' ? /^\d+\.\d+\.\d+/ : /--listen-address/);
      });
    }
  }

  for (const [name, words, says] of [
    ['qpsmtpd-forkserver', ['-c', 'many'], /^error: --limit-connections many: a whole number is needed/m],
    ['qpsmtpd-forkserver', ['-m', '-1'], /^error: .*'-m/m],
    ['qpsmtpd-forkserver', ['-p', 'smtp'], /^error: --port: "smtp" is no port: a number from 0 to 65535$/m],
    ['qpsmtpd-forkserver', ['-l', '::1'], /^error: --listen-address: "::1" is not ADDR or ADDR:PORT, /m],
    [
      'qpsmtpd-forkserver',
      ['-l', '127.0.0.1:0', '-u', 'no-such-user'],
      /^error: --user: there is no user "no-such-user" on this host$/m,
    ],
    [
      'qpsmtpd-forkserver',
      ['--children', '5'],
      /^error: Unknown option '--children' \(see qpsmtpd forkserver --help\)$/m,
    ],
    ['qpsmtpd-prefork', ['--children', 'x'], /^error: --children x: a whole number is needed/m],
    [
      'qpsmtpd-prefork',
      ['--limit-connections', '5'],
      /^error: Unknown option '--limit-connections' \(see qpsmtpd prefork --help\)$/m,
    ],
    ['qpsmtpd-prefork', ['-p', '25'], /^error: Unknown option '-p' \(see qpsmtpd prefork --help\)$/m],
  ] as const) {
    test(`${name} ${words.join(' ')} is refused`, async () => {
      const refused = startAs(name, words);
      assert.notEqual(await refused.exited, 0);
      assert.match(refused.said(), says);
      assert.equal(refused.said().match(/^error: /gm)?.length, 1, refused.said());
    });
  }
});

async function talkAt(path: string): Promise<void> {
  const socket = createConnection(path);
  cleanUp(() => void socket.destroy());
  await once(socket, 'connect');
  const client = new SmtpDialog(socket);
  await client.greet();
  await client.command('QUIT', 221);
}

describe('unix sockets', { concurrency: 2 }, () => {
  for (const name of ['qpsmtpd-forkserver', 'qpsmtpd-prefork'] as const) {
    test(`${name}: mode, a reload, and the end`, async () => {
      const server = startAs(name, [
        '--listen',
        '@DIR@/one',
        '--listen',
        '@DIR@/two,mode=0600',
        '--user',
        username,
      ]);
      await serves(server, 2);
      const [one, two] = [join(server.dir, 'one'), join(server.dir, 'two')];
      assert.deepEqual(
        [one, two].map((path) => statSync(path).mode & 0o777),
        [0o660, 0o600],
      );
      await talkAt(one);
      const { ino } = statSync(one);
      server.signal('SIGHUP');
      await eventually('a reload', () => /configuration is read anew/.test(server.said()));
      assert.equal(statSync(one).ino, ino);
      for (const path of [one, two]) await talkAt(path);
      await stop(server);
      assert.deepEqual([one, two].map(existsSync), [false, false]);
    });
  }

  test('belong to the user of the server', { skip: !isRoot }, async () => {
    const server = startAs('qpsmtpd-forkserver', ['--listen', '@DIR@/one', '--user', 'nobody']);
    await eventually('the socket', () => existsSync(join(server.dir, 'one')));
    await eventually('its owner', () => statSync(join(server.dir, 'one')).uid !== 0);
    assert.equal(statSync(join(server.dir, 'one')).mode & 0o777, 0o660);
  });

  test('that nobody listens at any more are taken over, those in use are not', async () => {
    const server = startAs('qpsmtpd-forkserver', ['--listen', '@DIR@/one', '--user', username]);
    await serves(server, 1);
    const path = join(server.dir, 'one');
    const second = startAs('qpsmtpd-forkserver', ['--listen', path, '--user', username]);
    assert.equal(await second.exited, 1);
    assert.match(second.said(), /^error: --listen \S+one: another program listens there$/m);
    await talkAt(path);
    server.signal('SIGKILL');
    await server.exited;
    assert.ok(existsSync(path));
    const third = startAs('qpsmtpd-forkserver', ['--listen', path, '--user', username]);
    await serves(third, 1);
    await talkAt(path);
    await stop(third);
  });

  test('a file of that name stays as it is', async () => {
    const refused = startAs('qpsmtpd-forkserver', ['--listen', '@DIR@/config/plugins', '--user', username]);
    assert.equal(await refused.exited, 1);
    assert.match(refused.said(), /^error: --listen \S+: there is a file of that name, and it is no socket$/m);
    assert.equal(readFileSync(join(refused.dir, 'config', 'plugins'), 'utf8'), 'rcpt_ok\n');
  });
});
