// Plugins that fail in every way a plugin can, and clients that vanish at every moment: each stays in its own
// session, on_error says what a failure means, and everybody else is served (quirk 5 of the original).

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { connect, greeted, type SmtpDialog } from '../support/smtp-dialog.ts';

const hooks = [
  'ehlo',
  'mail',
  'rcpt',
  'data',
  'data_headers_end',
  'data_post_headers',
  'data_post',
  'queue_pre',
  'queue',
] as const;
type FailingHook = (typeof hooks)[number];

// What the client hears; for `open` the command goes on as if the plugin were not there.
const refusals: Readonly<Record<FailingHook, readonly [defer: number, deny: number]>> = {
  ehlo: [450, 550],
  mail: [450, 550],
  rcpt: [450, 550],
  data: [451, 554],
  data_headers_end: [451, 554],
  data_post_headers: [452, 552],
  data_post: [452, 552],
  queue_pre: [452, 552],
  queue: [452, 552],
};

// The hook and the policy that a client wants to see fail are the host name it greets with.
const wanted = (hook: string) => `at.connection.hello.host === '${hook}.' + options.policy`;
const table = (failure: string) =>
  `{ ${hooks
    .map((hook) => {
      const isIt = hook === 'ehlo' ? `host === 'ehlo.' + options.policy` : wanted(hook);
      return `${hook}: (at, host) => ${isIt} ? ${failure} : declined`;
    })
    .join(',\n')} }`;

const options = `options: { policy: option.text({ required: true, doc: 'whom to fail' }) }, positional: ['policy']`;
const esModule = (name: string, failure: string) => `
  import { declined, definePlugin, option } from 'qpsmtpd';
  const fail = ${failure};
  export default definePlugin({
    name: '${name}', summary: 'fails', ${options},
    setup({ options }) { return ${table('fail(at)')}; },
  });
`;

const failing = {
  'plugins/throwing.ts': esModule('throwing', `(at: object): never => { throw new Error('on purpose'); }`),
  'plugins/rejecting.mjs': esModule('rejecting', `async () => { throw new TypeError('on purpose'); }`),
  'plugins/never.mts': esModule('never', '(at: object) => new Promise<never>(() => {})'),
  'plugins/junk.js': `
    const { declined, option } = require('qpsmtpd');
    const fail = () => 42;
    module.exports = {
      name: 'junk', summary: 'fails', ${options},
      setup({ options }) { return ${table('fail(at)')}; },
    };
  `,
} as const;

const kinds = {
  throwing: /on purpose/,
  rejecting: /on purpose/,
  junk: /returned 42 where a verdict is due/,
  never: /no answer within 1 s/,
} as const;
type Kind = keyof typeof kinds;

const policies = ['open', 'defer', 'deny'] as const;

function lines(kind: Kind): string[] {
  return policies.map((policy, at) => {
    const name = at === 0 ? kind : `${kind}:${at}`;
    // Queue plugins have ten minutes unless their own line says otherwise.
    const limit = kind === 'never' ? ' timeout 1' : '';
    return `${name} ${policy} on_error ${policy}${limit}`;
  });
}

async function deliver(client: SmtpDialog, subject: string): Promise<void> {
  await client.openData('a@a.example', 'user@b.example');
  client.send(`Subject: ${subject}\r\n\r\nbody\r\n.\r\n`);
  await client.expect(250);
}

/** A session in which `hook` is to fail. Gives the reply to the command that the hook is about. */
async function sessionFailingAt(port: number, hook: FailingHook, policy: string): Promise<string> {
  const client = await connect(port);
  await client.expect(220);
  const say = (line: string) => client.command(line, /^\d{3}/);
  const steps: readonly (readonly [FailingHook | null, string])[] = [
    ['ehlo', `EHLO ${hook}.${policy}`],
    ['mail', 'MAIL FROM:<a@a.example>'],
    ['rcpt', 'RCPT TO:<user@b.example>'],
    ['data', 'DATA'],
    [null, `Subject: ${hook}.${policy}\r\n\r\nbody\r\n.`],
  ];
  for (const [of, line] of steps) {
    const reply = await say(line);
    if (of !== hook && of !== null) continue;
    await client.command('QUIT', 221);
    if (!/^3/.test(reply)) return reply;
    assert.fail(`354 where ${hook} was to fail`);
  }
  return '';
}

describe('plugins that fail', () => {
  for (const kind of Object.keys(kinds) as Kind[]) {
    test(`${kind}: on_error is obeyed at each hook, and fifty other clients are served`, async () => {
      const server = await startServer({
        config: {
          plugins: [...lines(kind), 'rcpt_ok', recordLine],
          rcpthosts: 'b.example',
        },
        files: { ...recordPlugin, ...failing },
      });
      const others = Array.from({ length: 50 }, async (_, at) => {
        const client = await greeted(server);
        await deliver(client, `other ${at}`);
        await client.command('QUIT', 221);
      });
      const afflicted = hooks.flatMap((hook) =>
        (['defer', 'deny'] as const).map(async (policy, at) => {
          const reply = await sessionFailingAt(server.port, hook, policy);
          assert.equal(Number(reply.slice(0, 3)), refusals[hook][at], `${hook}, ${policy}: ${reply}`);
          assert.match(reply, policy === 'defer' ? /^\d+ 4\.3\.0 / : /^\d+ 5\.3\.0 |^550 the server/);
        }),
      );
      const tolerated = hooks.map(async (hook) => {
        const client = await connect(server.port);
        await client.expect(220);
        await client.command(`EHLO ${hook}.open`, 250);
        await deliver(client, `open ${hook}`);
        await client.command('QUIT', 221);
      });
      await Promise.all([...others, ...afflicted, ...tolerated]);
      assert.equal(recordedMessages(server.dir).length, others.length + tolerated.length);
      const complaint = `plugin failed in hook queue \\(on_error deny\\): .*${kinds[kind].source}`;
      await server.waitForLog(new RegExp(`\\(queue\\) ${kind}:2: error, ${complaint}`));
      assert.equal(await server.stop(), 0);
    });
  }
});

// One plugin with a trick for each test: NOOP names it, and so does the name in EHLO where NOOP is too early.
const tricks = {
  'plugins/tricks.ts': `
    import { declined, definePlugin, ok } from 'qpsmtpd';

    const gone = (signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    const block = (ms: number) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };

    export default definePlugin({
      name: 'tricks',
      summary: 'does what a plugin should not do',
      setup: ({ log }) => ({
        async noop(at, trick) {
          if (trick === 'wait') {
            log.warn('waiting in ' + at.connection.remotePort);
            await gone(at.signal);
            log.warn('aborted in ' + at.connection.remotePort);
          }
          if (trick === 'late') await gone(at.signal);
          if (trick === 'stray') void Promise.reject(new Error('stray rejection'));
          if (trick === 'timer') setTimeout(() => { throw new Error('stray exception'); }, 0);
          return ok();
        },
        vrfy(at, trick) {
          if (trick === 'block') block(500);
          return declined;
        },
        async help(at, trick) {
          if (trick !== 'block') return declined;
          await new Promise((resolve) => setImmediate(resolve));
          block(500);
          return declined;
        },
        async data_post(at) {
          if (at.connection.hello?.host !== 'leaving.example') return declined;
          log.warn('filtering in ' + at.connection.remotePort);
          await gone(at.connection.signal);
          return declined;
        },
        disconnect(at) {
          if (at.connection.hello?.host === 'throw.example') throw new Error('at disconnect');
        },
        reset_transaction(at) {
          if (at.connection.hello?.host === 'throw.example') throw new Error('at reset');
        },
        'post-connection'(at) {
          log.warn('farewell to ' + at.connection.remotePort);
        },
      }),
    });
  `,
} as const;

describe('one bad moment', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({
      config: {
        plugins: ['tricks', 'rcpt_ok', recordLine],
        rcpthosts: 'b.example',
        hook_timeout: '1',
        size_threshold: '1000',
        loglevel: 'info',
      },
      files: { ...recordPlugin, ...tricks },
    });
  });

  const farewell = (port: number) => server.waitForLog(new RegExp(`farewell to ${port}\n`));

  async function servesOn(): Promise<void> {
    const client = await greeted(server);
    await deliver(client, 'still there');
    await client.command('QUIT', 221);
  }

  test('a result that comes too late is dropped, and the log names the plugin', async () => {
    const client = await greeted(server);
    await client.command('NOOP late', 250);
    await server.waitForLog(/\(noop\) tricks: error, .*hook noop \(on_error open\): no answer within 1 s/);
    await server.waitForLog(/\(noop\) tricks: error, hook noop came to an end after its time was up/);
  });

  test('a plugin that blocks the event loop is named with its time', async () => {
    const client = await greeted(server);
    await client.command('VRFY block', 252);
    const [, took] = await server.waitForLog(/\(vrfy\) tricks: error, blocked the event loop for (\d+) ms/);
    assert.ok(Number(took) >= 500, `${took} ms`);
  });

  test('so is one that blocks it behind an await', async () => {
    const client = await greeted(server);
    await client.command('HELP block', 214);
    await servesOn();
    await server.waitForLog(/the event loop was blocked for \d+ ms; suspects: tricks \(help\)/);
  });

  test('a rejection that nobody waits for is logged and ends its own session with 421', async () => {
    const client = await greeted(server);
    await client.command('NOOP stray', 250);
    await server.waitForLog(/error, nobody waited for a promise that failed: Error: stray rejection/);
    await client.expect(421);
    assert.equal(await client.closed(), '');
    await servesOn();
  });

  test('so does an exception in a timer', async () => {
    const client = await greeted(server);
    await client.command('NOOP timer', 250);
    await server.waitForLog(/error, nobody caught: Error: stray exception/);
    await client.expect(421);
    assert.equal(await client.closed(), '');
    await servesOn();
  });

  test('handlers that only look on may throw: the session goes on to its end', async () => {
    const client = await greeted(server, 'throw.example');
    await deliver(client, 'thrown at');
    await client.command('QUIT', 221);
    assert.equal(await client.closed(), '');
    await server.waitForLog(/tricks: error, plugin failed in hook reset_transaction: at reset/);
    await server.waitForLog(/tricks: error, plugin failed in hook disconnect: at disconnect/);
    await farewell(client.localPort);
  });

  test('reset in the middle of a hook: the signal of the handler fires at once', async () => {
    const client = await greeted(server);
    const port = client.localPort;
    client.send('NOOP wait\r\n');
    await server.waitForLog(new RegExp(`waiting in ${port}\\n`));
    client.reset();
    await server.waitForLog(new RegExp(`aborted in ${port}\\n`));
    await farewell(port);
    assert.doesNotMatch(server.stderr(), new RegExp(`waiting in ${port}\\n[^]*no answer within`));
  });

  for (const way of ['reset', 'close'] as const) {
    test(`${way} in the middle of a message: nothing is queued, no spool file is left`, async () => {
      const filed = recordedMessages(server.dir).length;
      const client = await greeted(server);
      const port = client.localPort;
      await client.openData('a@a.example', 'user@b.example');
      client.send(`Subject: half\r\n\r\n${'half a message\r\n'.repeat(10_000)}`);
      await spooled();
      client[way]();
      await farewell(port);
      assert.equal(recordedMessages(server.dir).length, filed);
      assert.deepEqual(readdirSync(join(server.dir, 'spool')), []);
      assert.deepEqual(openFilesIn(server.pid, join(server.dir, 'spool')), []);
    });

    // After `close` the client might still read: its filter goes on until its time is up.
    test(`${way} between the final dot and the reply: the message is not queued`, async () => {
      const filed = recordedMessages(server.dir).length;
      const client = await greeted(server, 'leaving.example');
      const port = client.localPort;
      await client.openData('a@a.example', 'user@b.example');
      client.send('Subject: nobody waits\r\n\r\nbody\r\n.\r\n');
      await server.waitForLog(new RegExp(`filtering in ${port}\\n`));
      client[way]();
      await farewell(port);
      assert.equal(recordedMessages(server.dir).length, filed);
    });
  }

  /** A file of the message under way is in the spool. It has lost its name, but the process holds it open. */
  async function spooled(): Promise<void> {
    const deadline = Date.now() + 5000;
    while (openFilesIn(server.pid, join(server.dir, 'spool')).length === 0) {
      assert.ok(Date.now() < deadline, 'no spool file came');
      await pause(5);
    }
  }
});

function openFilesIn(pid: number, folder: string): string[] {
  const descriptors = `/proc/${pid}/fd`;
  const targets = readdirSync(descriptors).flatMap((name) => {
    try {
      return [readlinkSync(join(descriptors, name))];
    } catch {
      // Closed since the folder was read.
      return [];
    }
  });
  return targets.filter((target) => target.startsWith(`${folder}/`));
}
