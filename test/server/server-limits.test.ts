// What a listener does when there are too many clients, or too little memory.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stage } from '../../src/cli/transcript/stage.ts';
import { ConnectionLimits } from '../../src/server/connection-limits.ts';
import type { MemoryFigures } from '../../src/server/overload.ts';
import { SmtpServer } from '../../src/server/smtp-server.ts';
import { stageWith } from '../plugins/plugin-talk.ts';
import { cleanUp } from '../support/cleanup.ts';
import { connect, greeted } from '../support/smtp-dialog.ts';
import { HandClock, until } from './support.ts';

const GIB = 2 ** 30;

async function serve({ connections = 0 } = {}) {
  const clock = new HandClock();
  const stage: Stage = await stageWith([], { clock });
  const { engine, spool } = stage;
  const limits = new ConnectionLimits({ connections, fromIp: 0 });
  const figures = { heapUsed: 0, heapLimit: GIB, resident: 0, available: GIB };
  const memory = (): MemoryFigures => figures;
  const server = new SmtpServer({
    engine: () => engine,
    spool,
    limits,
    memory,
    reverseName: () => 'c.example',
  });
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  server.open();
  cleanUp(() => server.stop(0));
  const pass = (ms: number) => {
    clock.ms += ms;
    // As many as it takes for the memory to be looked at.
    for (let sweeps = 0; sweeps < 4; sweeps++) engine.deadlines.sweep();
  };
  return { server, port: address.port, limits, stage, figures, pass };
}

describe('a server under stress', () => {
  it('gives clients who wait already ten seconds, and those who come', async () => {
    const { server, port, limits, pass, stage } = await serve({ connections: 10 });
    const idle = [];
    for (let at = 0; at < 7; at++) idle.push(await greeted({ port }));
    pass(600_000);
    assert.equal(limits.total, 7);
    assert.equal(server.isStressed, false);
    const eighth = await greeted({ port });
    assert.equal(server.isStressed, true);
    pass(9_000);
    await eighth.command('NOOP', 250);
    pass(1_001);
    for (const client of idle) await client.expect(/^421 4\.4\.2 /);
    await eighth.command('NOOP', 250);
    for (const client of idle) client.close();
    await until(() => limits.total === 1);
    assert.equal(server.isStressed, false);
    assert.match(server.status, /^1 connections of 10 from 1 addresses, 1 sockets, \d+ deadlines, \d+ MiB$/);
    await eighth.command('NOOP', 250);
    pass(600_000);
    await eighth.command('NOOP', 250);
    assert.match(
      stage.takeLog().join('\n'),
      /stress begins, 8 of 10 places[\s\S]*stress is over, 6 of 10 places/,
    );
  });
});

describe('a server that is short of memory', () => {
  it('turns new clients away with 421, and keeps those it has', async () => {
    const { server, port, figures, pass } = await serve();
    const first = await greeted({ port });
    figures.heapUsed = 0.95 * GIB;
    pass(1000);
    const second = await connect(port);
    await second.expect(/^421 4\.3\.2 too little memory, try again later$/);
    assert.equal(await second.closed(), '');
    assert.match(server.status, /, short of memory$/);
    await first.command('NOOP', 250);
    figures.heapUsed = 0;
    pass(1000);
    await greeted({ port });
  });
});

describe('a server that is full', () => {
  it('says so to each, and once to the log', async () => {
    const { port, limits, stage } = await serve({ connections: 2 });
    const [first] = [await greeted({ port }), await greeted({ port })];
    for (let at = 0; at < 20; at++) {
      const client = await connect(port);
      await client.expect(/^421 4\.3\.2 too many connections, try again later$/);
      await client.closed();
    }
    first.close();
    await until(() => limits.total === 1);
    const said = stage.takeLog().filter((line) => /places are taken|turned away/.test(line));
    assert.equal(said.length, 2, said.join('\n'));
    assert.match(said[1] ?? '', /there is room again, 20 clients were turned away/);
  });
});
