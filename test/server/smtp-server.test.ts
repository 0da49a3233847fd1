// Listeners and what comes before a session: limits, reverse names, pre-connection, and the end of the server.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Incoming } from '../../src/contract/connection.ts';
import type { HookTable } from '../../src/contract/hooks.ts';
import { deny, done } from '../../src/contract/verdict.ts';
import { ConnectionLimits } from '../../src/server/connection-limits.ts';
import { SmtpServer } from '../../src/server/smtp-server.ts';
import { openStage } from '../session/support.ts';
import { cleanUp } from '../support/cleanup.ts';
import { connect } from '../support/smtp-dialog.ts';
import { until } from './support.ts';

interface Options {
  readonly hooks?: HookTable;
  readonly connections?: number;
  readonly fromIp?: number;
  /** false: clients wait */
  readonly opened?: boolean;
  readonly reverseName?: (ip: string) => Promise<string> | string;
}

async function serve({
  hooks = {},
  connections = 0,
  fromIp = 0,
  reverseName = () => 'c.example',
  opened = true,
}: Options = {}) {
  const stage = await openStage({ plugins: { actor: hooks } });
  const { engine, spool } = stage;
  const limits = new ConnectionLimits({ connections, fromIp });
  const server = new SmtpServer({ engine: () => engine, spool, limits, reverseName });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  if (opened) server.open();
  cleanUp(() => server.stop(0));
  return { server, port, limits, stage };
}

describe('SmtpServer', () => {
  it('serves clients, and forgets them when they are gone', async () => {
    const { port, limits } = await serve();
    const client = await connect(port);
    assert.match(await client.greet(), /c\.example \[127\.0\.0\.1\]/);
    assert.equal(limits.total, 1);
    await client.command('QUIT', 221);
    client.close();
    await until(() => limits.total === 0);
  });

  it('turns away with 421 who is too much, and has room again afterwards', async () => {
    const { port, limits } = await serve({ fromIp: 1 });
    const first = await connect(port);
    await first.greet();
    const second = await connect(port);
    await second.expect(/^421 4\.7\.0 too many connections from your address, try again later$/);
    await second.closed();
    second.close();
    first.close();
    await until(() => limits.total === 0);
    await (await connect(port)).greet();
  });

  it('tells pre-connection what is known, and heeds its denial', async () => {
    let told: Incoming | null = null;
    const { port } = await serve({
      fromIp: 7,
      hooks: {
        'pre-connection': (_at, incoming) => {
          told = incoming;
          return deny();
        },
      },
    });
    const client = await connect(port);
    await client.expect(/^550 5\.7\.1 no service for you here$/);
    await client.closed();
    assert.deepEqual(told, {
      remoteIp: '127.0.0.1',
      remotePort: client.localPort,
      localIp: '127.0.0.1',
      localPort: port,
      connectionsFromIp: 1,
      maxFromIp: 7,
    });
  });

  it('goes on with a client that pre-connection has only greeted', async () => {
    const { port } = await serve({ hooks: { 'pre-connection': () => done() } });
    await (await connect(port)).greet();
  });

  it('has clients wait until it is opened, and outlives one that resets meanwhile', async () => {
    const { server, port, limits } = await serve({ opened: false });
    const gone = await connect(port);
    const waiting = await connect(port);
    await until(() => limits.total === 2);
    gone.reset();
    await until(() => limits.total === 1);
    assert.equal(waiting.received, '');
    server.open();
    await waiting.greet();
    waiting.close();
    await until(() => limits.total === 0);
  });

  it('outlives a client that resets while its name is looked up', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let asked = 0;
    const { port, limits } = await serve({
      reverseName: () => {
        asked++;
        return asked === 1 ? promise : 'c.example';
      },
    });
    const client = await connect(port);
    await until(() => asked === 1);
    client.reset();
    await until(() => limits.total === 0);
    resolve('late.example');
    await (await connect(port)).greet();
  });

  it('does not leave a client waiting that it cannot begin to serve', async () => {
    const { port, limits, stage } = await serve({ reverseName: () => Promise.reject(new Error('no DNS')) });
    const client = await connect(port);
    assert.equal(await client.closed(), '');
    await until(() => limits.total === 0);
    assert.ok(stage.takeLog().some((line) => line.endsWith('127.0.0.1 cannot be served: no DNS')));
  });

  it('takes no new clients once it stops, and tells those that are there', async () => {
    const { server, port } = await serve();
    const client = await connect(port);
    await client.greet();
    const stopped = server.stop(60_000);
    await client.command('NOOP', /^421 4\.3\.2 /);
    await client.closed();
    client.close();
    await stopped;
    await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
  });

  it('says in a sentence why it cannot listen', async () => {
    const { server, port } = await serve();
    await assert.rejects(server.listen({ host: '127.0.0.1', port }), {
      message: `127.0.0.1:${port}: the port is in use by another program`,
    });
  });
});
