import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Deadlines } from '../../src/engine/deadlines.ts';
import { SocketWire } from '../../src/server/socket-wire.ts';
import { cleanUp } from '../support/cleanup.ts';
import { type Ends, HandClock, socketPair, until } from './support.ts';

const MARK = 128 * 1024;
const LONG_MS = 60_000;

interface Wired extends Ends {
  readonly wire: SocketWire;
  readonly lost: { times: number };
  /** Sets the clock forward and fires what is due. */
  pass(ms: number): void;
}

async function wired(): Promise<Wired> {
  const ends = await socketPair();
  const clock = new HandClock();
  const deadlines = new Deadlines(clock);
  cleanUp(() => deadlines.stop());
  const lost = { times: 0 };
  const wire = new SocketWire(ends.server, deadlines, () => {
    lost.times++;
  });
  const pass = (ms: number) => {
    clock.ms += ms;
    deadlines.sweep();
  };
  return { ...ends, wire, lost, pass };
}

describe('SocketWire', () => {
  it('gives what comes, in order, and then the end', async () => {
    const { client, wire } = await wired();
    client.end('one\r\ntwo');
    let text = '';
    for (;;) {
      const chunk = await wire.read(LONG_MS);
      if (typeof chunk === 'string') {
        assert.equal(chunk, 'ended');
        break;
      }
      text += chunk.toString('latin1');
    }
    assert.equal(text, 'one\r\ntwo');
    assert.equal(wire.ended, true);
    assert.equal(wire.broken, false);
  });

  it('has not ended while octets wait to be read', async () => {
    const { client, server, wire } = await wired();
    client.end('rest');
    await once(server, 'end');
    assert.equal(wire.ended, false);
    await wire.read(LONG_MS);
    assert.equal(wire.ended, true);
  });

  it('writes one octet a character', async () => {
    const { client, wire } = await wired();
    wire.write('250 \xe9\r\n');
    const [chunk] = (await once(client, 'data')) as [Buffer];
    assert.deepEqual(chunk, Buffer.from([0x32, 0x35, 0x30, 0x20, 0xe9, 0x0d, 0x0a]));
  });

  it('still answers a client that has closed its side', async () => {
    const { client, server, wire } = await wired();
    client.end();
    await once(server, 'end');
    wire.write('221 bye\r\n');
    wire.close();
    const [chunk] = (await once(client, 'data')) as [Buffer];
    assert.equal(chunk.toString(), '221 bye\r\n');
    await until(() => server.destroyed);
  });

  it('says "timeout" when nothing comes in time, and not before', async () => {
    const { wire, pass } = await wired();
    const reading = Promise.resolve(wire.read(10_000));
    pass(9_999);
    assert.equal(
      await Promise.race([reading, new Promise((resolve) => setImmediate(resolve, 'waits'))]),
      'waits',
    );
    pass(2);
    assert.equal(await reading, 'timeout');
  });

  it('counts the time anew with every read', async () => {
    const { client, wire, pass } = await wired();
    const first = wire.read(10_000);
    pass(9_000);
    client.write('x');
    assert.ok(Buffer.isBuffer(await first));
    const second = Promise.resolve(wire.read(10_000));
    pass(9_000);
    client.write('y');
    assert.ok(Buffer.isBuffer(await second));
  });

  it('stops the client above the mark, and goes on below it', async () => {
    const { client, server, wire } = await wired();
    const sent = 64 * MARK;
    client.write(Buffer.alloc(sent, 'x'));
    await until(() => server.isPaused());
    // What is under way at that moment may still come: one buffer of the socket.
    assert.ok(server.bytesRead <= MARK + 64 * 1024, `${server.bytesRead} octets were read`);
    let read = 0;
    while (read < sent) {
      const chunk = await wire.read(LONG_MS);
      assert.ok(Buffer.isBuffer(chunk));
      read += chunk.length;
    }
    assert.equal(read, sent);
    assert.equal(server.isPaused(), false);
  });

  it('does not read from a client that takes no replies', async () => {
    const { client, server, wire, pass } = await wired();
    client.pause();
    client.write('NOOP\r\n');
    await once(server, 'data');
    // More than the kernel holds on its way.
    const replies = 'x'.repeat(32 * 1024 * 1024);
    wire.write(replies);
    const reading = Promise.resolve(wire.read(LONG_MS));
    assert.equal(
      await Promise.race([reading, new Promise((resolve) => setImmediate(resolve, 'waits'))]),
      'waits',
    );
    let taken = 0;
    client.on('data', (chunk: Buffer) => {
      taken += chunk.length;
    });
    client.resume();
    const chunk = await reading;
    assert.equal(String(chunk), 'NOOP\r\n');
    assert.ok(taken > 0);
    pass(0);
  });

  it('times out with a client that takes no replies', async () => {
    const { client, wire, pass } = await wired();
    client.pause();
    wire.write('x'.repeat(32 * 1024 * 1024));
    const reading = Promise.resolve(wire.read(1000));
    pass(1001);
    assert.equal(await reading, 'timeout');
  });

  it('is broken, and says so once, when the client resets', async () => {
    const { client, server, wire, lost } = await wired();
    const reading = Promise.resolve(wire.read(LONG_MS));
    client.resetAndDestroy();
    assert.equal(await reading, 'ended');
    await until(() => server.destroyed && lost.times > 0);
    assert.equal(wire.broken, true);
    assert.equal(lost.times, 1);
    wire.write('nobody reads this');
    wire.close();
    assert.equal(await wire.read(LONG_MS), 'ended');
  });

  it('closes behind its last reply, also over octets that nobody has read', async () => {
    const { client, server, wire } = await wired();
    client.write('x'.repeat(100_000));
    await once(server, 'data');
    wire.write('421 bye\r\n');
    wire.close();
    let text = '';
    client.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(client, 'end');
    assert.equal(text, '421 bye\r\n');
    client.end();
    await until(() => server.destroyed);
  });

  it('loses nothing of a long reply when the client ends while it is on its way', async () => {
    const { client, server, wire } = await wired();
    client.pause();
    const length = 32 * 1024 * 1024;
    wire.write('x'.repeat(length));
    wire.close();
    client.end();
    await once(server, 'end');
    let taken = 0;
    client.on('data', (chunk: Buffer) => {
      taken += chunk.length;
    });
    client.resume();
    await once(client, 'close');
    assert.equal(taken, length);
  });

  it('is gone at once with the last reply on its way, where the client sends no more', async () => {
    const { client, server, wire } = await wired();
    wire.write('221 bye\r\n');
    wire.close(true);
    assert.equal(server.destroyed, true);
    let text = '';
    client.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(client, 'end');
    assert.equal(text, '221 bye\r\n');
  });

  it('waits for what the client has yet to take, even where that one sends no more', async () => {
    const { client, wire } = await wired();
    client.pause();
    const length = 32 * 1024 * 1024;
    wire.write('x'.repeat(length));
    wire.close(true);
    let taken = 0;
    client.on('data', (chunk: Buffer) => {
      taken += chunk.length;
    });
    client.resume();
    await once(client, 'end');
    assert.equal(taken, length);
    client.end();
  });

  it('tears a closed connection down under a client that goes on', async () => {
    const { client, server, wire, lost, pass } = await wired();
    wire.close();
    client.write('still here');
    pass(4_999);
    assert.equal(server.destroyed, false);
    pass(2);
    await once(server, 'close');
    assert.equal(lost.times, 1);
  });

  it('tears a closed connection down under a client that has closed its side and takes no replies', async () => {
    const { client, server, wire, pass } = await wired();
    client.pause();
    client.end();
    await once(server, 'end');
    wire.write('x'.repeat(32 * 1024 * 1024));
    wire.close();
    pass(5_001);
    await until(() => server.destroyed);
    await until(() => wire.broken);
  });

  it('sends nothing behind its close, and what was sent before arrives', async () => {
    const { client, wire } = await wired();
    wire.write('421 bye\r\n');
    wire.close();
    wire.write('250 late\r\n');
    let text = '';
    client.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(client, 'end');
    assert.equal(text, '421 bye\r\n');
    assert.equal(wire.broken, false);
  });

  it('waits for less long once it is told to hurry', async () => {
    const { wire, pass } = await wired();
    wire.hurry(10);
    const reading = Promise.resolve(wire.read(LONG_MS));
    pass(LONG_MS / 2);
    wire.hurry(10_000);
    wire.hurry(20_000);
    pass(10_000);
    assert.equal(await reading, 'timeout');
  });

  it('wakes a read that waits when it is closed', async () => {
    const { wire } = await wired();
    const reading = Promise.resolve(wire.read(LONG_MS));
    wire.close();
    assert.equal(await reading, 'ended');
  });
});
