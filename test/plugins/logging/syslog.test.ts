import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { AtAnywhere, AtProcess, Checkup, Host, LogEntry } from 'qpsmtpd';
import { checkSyslog } from '../../../plugins/logging/_syslog-check.ts';
import syslog from '../../../plugins/logging/syslog.ts';
import { eventually } from '../../support/processes.ts';
import { entry, makeFolder, standInLogger, startDatagramDaemon } from './syslog-support.ts';

type SyslogHost = Parameters<typeof syslog.setup>[0];
type Values = SyslogHost['options'];

const { options: schema } = syslog;
assert.ok(schema);
const defaults: Values = {
  loglevel: schema.loglevel.default,
  priority: schema.priority.default,
  ident: schema.ident.default,
  facility: schema.facility.default,
  logsock: schema.logsock.default,
  socket: undefined,
  host: undefined,
  port: undefined,
};

function hostWith(options: Partial<Values>, more: Partial<Host> = {}) {
  const said: string[] = [];
  const works: (() => unknown)[] = [];
  const host: Partial<Host> = {
    id: 'logging/syslog',
    pid: 4711,
    hostname: 'mx.example.org',
    env: {},
    clock: { now: () => new Date(), monotonic: () => performance.now() },
    stderr: (line) => void said.push(line),
    onRetire: (work) => void works.push(work),
    ...more,
  };
  const retire = () => Promise.all(works.map((work) => work()));
  return { host: { ...host, options: { ...defaults, ...options } } as SyslogHost, said, retire };
}

async function setUp(t: TestContext, options: Partial<Values>, more: Partial<Host> = {}) {
  const { host, said, retire } = hostWith(options, more);
  const { logging, 'post-fork': postFork } = await syslog.setup(host);
  assert.ok(logging && 'upTo' in logging && typeof postFork === 'function');
  t.after(retire);
  const log = (one: LogEntry) => logging.handler({} as AtAnywhere, one);
  return { upTo: logging.upTo, log, begin: () => postFork({} as AtProcess), said, retire };
}

describe('logging/syslog', () => {
  it('writes entries with their level to logger, its own left out, and all of them before it retires', async (t) => {
    const standIn = standInLogger();
    const { upTo, log, begin, retire, said } = await setUp(t, {}, { env: standIn.env });
    assert.equal(upTo, 'warn');
    log({ ...entry, level: 'error' });
    log({ ...entry, plugin: 'logging/syslog' });
    begin();
    log({ ...entry, plugin: null, hook: null, level: 'warn', text: 'shutting down' });
    await retire();
    assert.deepEqual(standIn.lines(), ['<19>4711.12 (connect) relay: pass', '<20>4711.12 shutting down']);
    assert.deepEqual(standIn.starts(), [
      '--prio-prefix --stderr --socket-errors=on --socket=/dev/log --id=4711 --tag=qpsmtpd',
    ]);
    assert.deepEqual(said, []);
  });

  it('starts nothing before the process serves', async (t) => {
    const standIn = standInLogger();
    const { log, begin } = await setUp(t, {}, { env: standIn.env });
    log(entry);
    await turn();
    await turn();
    assert.deepEqual(standIn.starts(), []);
    begin();
    await eventually('it is started', () => standIn.starts().length === 1);
  });

  it('says on standard error what is wrong, and loses nothing of the mail', async (t) => {
    const path = join(makeFolder(), 'log');
    const { log, begin, retire, said } = await setUp(t, { logsock: ['stream'], socket: path });
    begin();
    log(entry);
    await eventually('it is told', () => said.length > 0);
    assert.equal(
      said[0],
      `4711 logging/syslog: error, log entries do not get to syslog by stream: ${path} is not there (start the syslog daemon, or write socket PATH if its socket is elsewhere); they wait, up to 1 MiB of them`,
    );
    await retire();
    assert.equal(
      said[1],
      '4711 logging/syslog: error, log entries that syslog did not take in time: 1; they are lost where the server ends now',
    );
  });

  for (const [what, options, complaint] of [
    ['host', { host: 'log.example' }, /^host and port are for logsock udp and tcp: write logsock udp, /],
    ['port', { logsock: ['stream'], port: 514 }, /^host and port are for logsock udp and tcp/],
    ['socket', { logsock: ['udp', 'tcp'], socket: '/run/log' }, /^socket is for logsock unix and stream: /],
  ] as const) {
    it(`does not take a ${what} that would have no effect`, () => {
      assert.throws(() => syslog.setup(hostWith(options).host), { message: complaint });
    });
  }
});

type Told = [text: string, hint: string | undefined][];

function checkupInto(told: Told): Checkup {
  const checkup: Partial<Checkup> = { error: (text, hint) => void told.push([text, hint]) };
  return checkup as Checkup;
}

/** What check-config would be told. */
async function findings(options: Partial<Values>): Promise<Told> {
  const told: Told = [];
  await syslog.check?.(hostWith(options).host, checkupInto(told));
  return told;
}

describe('check-config of logging/syslog', () => {
  it('is content where a daemon takes datagrams, and there is logger', async () => {
    const socket = join(makeFolder(), 'log');
    await startDatagramDaemon(socket);
    assert.deepEqual(await findings({ socket }), []);
    const [[text, hint] = []] = await findings({ socket, logsock: ['stream'] });
    assert.equal(text, `no log gets to syslog: ${socket} takes datagrams, not a stream`);
    assert.equal(hint, 'write logsock unix');
  });

  it('is content where a daemon takes a stream, by either way', async (t) => {
    const socket = join(makeFolder(), 'log');
    const server = createServer((client) => client.destroy()).listen(socket);
    t.after(() => server.close());
    assert.deepEqual(await findings({ socket, logsock: ['stream'] }), []);
    assert.deepEqual(await findings({ socket }), []);
  });

  it('is content with any way that can be gone', async () => {
    const socket = join(makeFolder(), 'log');
    assert.deepEqual(await findings({ socket, logsock: ['logger', 'udp'] }), []);
    const told = await findings({ socket, logsock: ['logger', 'stream'] });
    assert.deepEqual(
      told.map(([text]) => text),
      Array(2).fill(`no log gets to syslog: ${socket} is not there`),
    );
  });

  it('tells of a socket that nobody listens at', async () => {
    const socket = join(makeFolder(), 'log');
    writeFileSync(socket, '');
    const [[text, hint] = []] = await findings({ socket });
    assert.equal(text, `no log gets to syslog: ${socket} has nobody listening`);
    assert.match(hint ?? '', /^start the syslog daemon/);
  });

  it('tells of a logger that is missing, or that of busybox', async () => {
    const dir = makeFolder();
    const socket = join(dir, 'log');
    await startDatagramDaemon(socket);
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    const told: Told = [];
    const check = () => checkSyslog({ ways: ['logger'], socket, path: bin }, checkupInto(told));
    await check();
    writeFileSync(join(bin, 'busybox'), '');
    chmodSync(join(bin, 'busybox'), 0o755);
    symlinkSync('busybox', join(bin, 'logger'));
    await check();
    const [[missing, hint] = [], [busybox] = []] = told;
    assert.equal(missing, `no log gets to syslog: there is no program logger in ${bin}`);
    assert.match(hint ?? '', /^install that of util-linux \(Debian: bsdutils, /);
    assert.match(
      busybox ?? '',
      /\/bin\/logger: this logger does not know --prio-prefix, .*it is that of busybox$/,
    );
  });
});
