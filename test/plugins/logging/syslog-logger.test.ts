// The way by the program logger, with a script in its place, and with the real one to a daemon that takes datagrams.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openLogger } from '../../../plugins/logging/_syslog-logger.ts';
import { Notices } from '../../../plugins/logging/_syslog-notices.ts';
import { SyslogWriter } from '../../../plugins/logging/_syslog-writer.ts';
import { eventually } from '../../support/processes.ts';
import {
  listener,
  makeFolder,
  message,
  plain,
  type StandIn,
  sender,
  standInLogger,
  startDatagramDaemon,
} from './syslog-support.ts';

function openStandIn(t: TestContext, standIn: Pick<StandIn, 'env'>) {
  const heard = listener();
  const link = openLogger({ sender, socket: '/run/none', env: standIn.env }, heard.owner);
  t.after(() => link.abandon());
  return { heard, link };
}

describe('the way of logging/syslog by logger', () => {
  it('gives one process all messages, each with its priority, and hears which are sent', async (t) => {
    const standIn = standInLogger();
    const { heard, link } = openStandIn(t, standIn);
    link.send([message('a'), message('b', 19)]);
    link.send([message('c')]);
    await eventually('all are taken', () => heard.taken === 3);
    await link.close();
    assert.deepEqual(standIn.lines(), ['<22>a', '<19>b', '<22>c']);
    assert.deepEqual(standIn.starts(), [
      '--prio-prefix --stderr --socket-errors=on --socket=/run/none --id=4711 --tag=qpsmtpd',
    ]);
    assert.deepEqual(heard.problems, []);
  });

  it('is not ended by what is sent to all processes of the server', async (t) => {
    const standIn = standInLogger({ each: 'kill -TERM $$; kill -INT $$; kill -HUP $$' });
    const { heard, link } = openStandIn(t, standIn);
    link.send([message('a')]);
    await eventually('it is taken', () => heard.taken === 1);
    await link.close();
    assert.deepEqual([standIn.lines(), heard.problems], [['<22>a'], []]);
  });

  for (const [what, script, problem, advice] of [
    [
      'a socket that is not there',
      "echo 'logger: socket /run/none: No such file or directory' >&2; exit 1",
      'logger: socket /run/none: No such file or directory',
      /^start the syslog daemon, or write socket PATH/,
    ],
    [
      'the logger of busybox',
      `echo "logger: unrecognized option '--prio-prefix'" >&2; echo 'BusyBox v1.35.0' >&2; exit 1`,
      "logger: unrecognized option '--prio-prefix' BusyBox v1.35.0",
      /^this logger does not know --prio-prefix, as that of util-linux does; install that of util-linux /,
    ],
    ['an end without a word', 'exit 3', 'logger ended with 3', /^it is started anew$/],
    ['an end by a signal', 'kill -KILL $$', 'logger was killed by SIGKILL', /^it is started anew$/],
  ] as const) {
    it(`tells ${what}`, async (t) => {
      const { heard, link } = openStandIn(t, standInLogger({ start: script }));
      link.send([message('a')]);
      await eventually('it has failed', () => heard.problems.length > 0);
      assert.deepEqual([heard.taken, heard.problems.length, heard.problems[0]?.what], [0, 1, problem]);
      assert.match(heard.problems[0]?.advice ?? '', advice);
    });
  }

  it('tells that there is no logger', async (t) => {
    const { heard, link } = openStandIn(t, { env: { PATH: makeFolder() } });
    link.send([message('a')]);
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.equal(heard.problems[0]?.what, 'there is no program logger');
    assert.match(heard.problems[0]?.advice ?? '', /^install that of util-linux \(Debian: bsdutils, /);
  });

  it('has not taken what logger could not send, although it goes on', async (t) => {
    const words = 'logger: send message failed: Connection refused';
    const each = `case $line in *b) echo '${words}' >&2;; esac`;
    const { heard, link } = openStandIn(t, standInLogger({ each }));
    link.send([message('a'), message('b'), message('c')]);
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.deepEqual([heard.taken, heard.problems[0]?.what], [1, words]);
  });

  it('loses nothing where it ends in the middle, and is started anew', async (t) => {
    const standIn = standInLogger({
      each: 'case $line in *b) [ -e "$0.died" ] || { : > "$0.died"; exit 1; };; esac',
    });
    const said: string[] = [];
    const monotonic = () => 0;
    const means = { sender, socket: '/run/none', env: standIn.env };
    const writer = new SyslogWriter({
      ways: [{ name: 'logger', open: (owner) => openLogger(means, owner) }],
      notices: new Notices({ monotonic, say: (text) => said.push(text) }),
      monotonic,
    });
    t.after(() => writer.retire());
    writer.begin();
    writer.add([message('a'), message('b'), message('c')]);
    await eventually('all are taken', () => standIn.lines().length === 3);
    await writer.retire();
    assert.deepEqual(standIn.lines(), ['<22>a', '<22>b', '<22>c']);
    assert.equal(standIn.starts().length, 2);
    assert.match(
      said.join('\n'),
      /^error, .* by logger: logger ended with 1 .*\nsyslog takes log entries again$/,
    );
  });
});

describe('the real logger', () => {
  const open = async (t: TestContext) => {
    const socket = join(makeFolder(), 'log');
    const daemon = await startDatagramDaemon(socket);
    const heard = listener();
    const link = openLogger({ sender, socket, env: process.env }, heard.owner);
    t.after(() => link.abandon());
    return { daemon, heard, link };
  };

  it('sends them with our id and name', async (t) => {
    const { daemon, heard, link } = await open(t);
    link.send([message('4711.1 a'), message('4711.1 b', 0o277)]);
    await eventually('both are there', () => daemon.taken().length === 2 && heard.taken === 2);
    await link.close();
    assert.deepEqual(daemon.taken().map(plain), [
      '<22>qpsmtpd[4711]: 4711.1 a',
      '<191>qpsmtpd[4711]: 4711.1 b',
    ]);
  });

  it('takes no priority from a text, and cuts none', async (t) => {
    const { daemon, link } = await open(t);
    const texts = ['<3>forged', '<191><0>', '<', '<3', '<3>'.repeat(320), `${'x'.repeat(957)}<3>`, 'the end'];
    link.send(texts.map((text) => message(text)));
    await eventually('all are there', () => daemon.taken().at(-1)?.endsWith('the end') === true);
    assert.deepEqual(
      daemon.taken().map(plain),
      texts.map((text) => `<22>qpsmtpd[4711]: ${text}`),
    );
  });

  it('has not taken what a daemon that is gone has not', async (t) => {
    const { daemon, heard, link } = await open(t);
    link.send([message('a')]);
    await eventually('it is there', () => heard.taken === 1);
    await daemon.stop();
    link.send([message('b')]);
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.equal(heard.taken, 1);
    assert.match(heard.problems[0]?.what ?? '', /^logger: socket .*\/log: No such file or directory$/);
  });

  it('writes all that it was given before it goes', async (t) => {
    const { daemon, link } = await open(t);
    const texts = Array.from({ length: 500 }, (_, at) => `entry ${at}`);
    link.send(texts.map((text) => message(text)));
    await link.close();
    await eventually('all are there', () => daemon.taken().length === texts.length);
  });
});
