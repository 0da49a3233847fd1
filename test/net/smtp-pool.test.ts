// Connections that are kept: for how long, for how many messages, and what happens when one has died.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NotSentError } from '../../src/net/outgoing-message.ts';
import { type PoolLimits, SmtpPool } from '../../src/net/smtp-pool.ts';
import { cleanUp } from '../support/cleanup.ts';
import { type ScriptedPeer, type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { codes, mail, settings } from './outgoing.ts';

const ample: PoolLimits = { connections: 50, idle: 10, idleMs: 60_000, messages: 100 };

interface World {
  readonly server: ScriptedServer;
  readonly pool: SmtpPool;
  readonly peers: readonly ScriptedPeer[];
  /** Sets the clock forward. */
  pass(ms: number): void;
}

async function world(
  limits: Partial<PoolLimits> = {},
  script: (peer: ScriptedPeer, nth: number) => Promise<void> = (peer) =>
    peer.obey({ offers: ['PIPELINING'] }),
  commandMs = 20_000,
): Promise<World> {
  const peers: ScriptedPeer[] = [];
  const server = await startScriptedServer((peer, nth) => {
    peers.push(peer);
    return script(peer, nth);
  });
  let now = 0;
  const clock = { now: () => new Date(0), monotonic: () => now };
  const pool = new SmtpPool(settings(server, { commandMs }), { ...ample, ...limits }, clock);
  cleanUp(() => pool.close());
  return {
    server,
    pool,
    peers,
    pass: (ms) => {
      now += ms;
    },
  };
}

describe('a connection', () => {
  test('is used again', async () => {
    const { pool, server } = await world();
    for (let count = 0; count < 5; count++)
      assert.deepEqual(codes((await pool.deliver(mail())).answers), [250]);
    assert.deepEqual([server.connections, pool.idle], [1, 1]);
  });

  test('is used for one message at a time', async () => {
    const { pool, server } = await world();
    await Promise.all(Array.from({ length: 5 }, () => pool.deliver(mail())));
    assert.deepEqual([server.connections, pool.idle], [5, 5]);
  });

  test('is not kept beyond the number that may wait', async () => {
    const { pool, peers } = await world({ idle: 2 });
    await Promise.all(Array.from({ length: 5 }, () => pool.deliver(mail())));
    assert.equal(pool.idle, 2);
    const left = peers.filter(({ commands }) => commands.includes('QUIT'));
    await Promise.all(left.map((peer) => peer.gone()));
    assert.equal(peers.length, 5);
  });

  test('is not kept at all where none may wait', async () => {
    const { pool, server, peers } = await world({ idle: 0 });
    await pool.deliver(mail());
    await pool.deliver(mail());
    await server.finished();
    assert.deepEqual(
      peers.map(({ commands }) => commands.at(-1)),
      ['QUIT', 'QUIT'],
    );
  });

  test('says goodbye after its number of messages', async () => {
    const { pool, server } = await world({ messages: 2 });
    for (let count = 0; count < 5; count++) await pool.deliver(mail());
    assert.deepEqual([server.connections, pool.idle], [3, 1]);
  });

  test('says goodbye when it has waited for too long', async () => {
    const { pool, server, pass, peers } = await world({ idleMs: 1000 });
    await pool.deliver(mail());
    pass(1001);
    await server.finished();
    assert.deepEqual([pool.idle, peers[0]?.commands.at(-1)], [0, 'QUIT']);
  });

  test('has a successor when there are as many as there may be', async () => {
    const { pool, server } = await world({ connections: 2 });
    const handovers = await Promise.all(Array.from({ length: 20 }, () => pool.deliver(mail())));
    assert.ok(handovers.every(({ answers }) => answers[0]?.code === 250));
    assert.equal(server.connections, 2);
  });

  test('is kept after a refusal', async () => {
    const { pool, server } = await world({}, (peer) =>
      peer.obey({ offers: ['PIPELINING'], replies: { RCPT: '550 5.1.1 no', DATA: '503 5.5.1 no' } }),
    );
    for (let count = 0; count < 3; count++)
      assert.deepEqual(codes((await pool.deliver(mail())).answers), [550]);
    assert.equal(server.connections, 1);
  });
});

describe('a connection that has died while it waited', () => {
  test('is replaced', async () => {
    const { pool, server, peers } = await world();
    await pool.deliver(mail());
    peers[0]?.end();
    await peers[0]?.gone();
    assert.deepEqual(codes((await pool.deliver(mail())).answers), [250]);
    assert.equal(server.connections, 2);
  });

  for (const [how, die] of [
    ['without a word', (peer: ScriptedPeer) => peer.end()],
    ['with RST', (peer: ScriptedPeer) => peer.reset()],
    ['with 421', (peer: ScriptedPeer) => peer.say('421 4.4.2 idle for too long')],
  ] as const) {
    test(`and is noticed only when the next message is on its way is replaced, ${how}`, async () => {
      const { pool, server } = await world({}, async (peer, nth) => {
        if (nth > 0) return peer.obey();
        peer.say('220 hello');
        for (let line = ''; !line.startsWith('DATA'); ) {
          line = await peer.line();
          peer.say(line.startsWith('DATA') ? '354 go on' : '250 ok');
        }
        await peer.message();
        peer.say('250 ok');
        await peer.line();
        die(peer);
        await peer.gone();
      });
      await pool.deliver(mail());
      assert.deepEqual(codes((await pool.deliver(mail())).answers), [250]);
      assert.equal(server.connections, 2);
    });
  }

  test('behind a message is not replaced: the message may be there', async () => {
    const { pool, server } = await world({}, async (peer) => {
      peer.say('220 hello');
      for (let count = 0; ; ) {
        const line = await peer.line();
        peer.say(line.startsWith('DATA') ? '354 go on' : '250 ok');
        if (!line.startsWith('DATA')) continue;
        await peer.message();
        if (++count === 2) return peer.end();
        peer.say('250 ok');
      }
    });
    await pool.deliver(mail());
    const { answers, failure } = await pool.deliver(mail());
    assert.deepEqual(codes(answers), [451]);
    assert.ok(failure !== null);
    assert.equal(server.connections, 1);
  });
});

describe('no second try', () => {
  test('of a new connection', async () => {
    const { pool, server } = await world({}, async (peer) => peer.end());
    await assert.rejects(pool.deliver(mail()), NotSentError);
    assert.equal(server.connections, 1);
  });

  test('after a time limit', async () => {
    const script = async (peer: ScriptedPeer, nth: number) => {
      if (nth > 0) return peer.obey();
      await peer.obey({ offers: ['PIPELINING'], replies: { 'MAIL FROM:<slow': '250-not over' } });
    };
    const { pool, server } = await world({}, script, 100);
    await pool.deliver(mail());
    await assert.rejects(pool.deliver(mail({ sender: '<slow@a.example>' })), {
      message: /no answer within 0\.1 s/,
    });
    assert.equal(server.connections, 1);
  });

  test('for who has given up', async () => {
    const { pool, server } = await world();
    await pool.deliver(mail());
    await assert.rejects(pool.deliver(mail(), AbortSignal.abort()), { message: 'given up' });
    assert.deepEqual([server.connections, pool.idle], [1, 1]);
  });
});

test('closing says goodbye', async () => {
  const { pool, server, peers } = await world();
  await Promise.all([pool.deliver(mail()), pool.deliver(mail())]);
  pool.close();
  await server.finished();
  assert.deepEqual(
    peers.map(({ commands }) => commands.at(-1)),
    ['QUIT', 'QUIT'],
  );
});
