// A wire that changes to TLS: octets that were read before, clients that fail or leave at any moment, and that what
// holds for a plain wire holds under TLS too.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { until } from './support.ts';
import {
  clientTls,
  contextFor,
  LONG_MS,
  secureConnect,
  secured,
  serverCertificate,
  settings,
  wired,
} from './tls-support.ts';

const MARK = 128 * 1024;
const MUCH = 32 * 1024 * 1024;

/** The next turn of the event loop decides: 'waits' when nothing has come of the promise. */
const soon = (promise: Promise<unknown> | unknown) =>
  Promise.race([promise, new Promise((resolve) => setImmediate(resolve, 'waits'))]);

async function readAll(wire: { read(ms: number): unknown }, octets: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let length = 0; length < octets; ) {
    const chunk = await wire.read(LONG_MS);
    assert.ok(Buffer.isBuffer(chunk), `"${chunk}" after ${length} octets`);
    chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}

describe('a wire under TLS', () => {
  it('carries both ways, one octet a character', async () => {
    const { tls, wire } = await secured();
    wire.write('220 caf\xe9\r\n');
    const [chunk] = (await once(tls, 'data')) as [Buffer];
    assert.equal(chunk.toString('latin1'), '220 caf\xe9\r\n');
    tls.write('NOOP\r\n');
    assert.equal(String(await wire.read(LONG_MS)), 'NOOP\r\n');
  });

  it('gives what comes in one piece with the end of the handshake', async () => {
    const { client, wire } = await wired();
    const tls = clientTls(client);
    tls.write('EHLO early.example\r\n');
    const facts = await wire.startTls(settings());
    assert.equal(facts.protocol, 'TLSv1.3');
    assert.equal(String(await wire.read(LONG_MS)), 'EHLO early.example\r\n');
  });

  it('takes octets that were read already for the beginning of the handshake', async () => {
    const { client, wire } = await wired();
    const tls = clientTls(client);
    const first = await wire.read(LONG_MS);
    assert.ok(Buffer.isBuffer(first));
    // As behind a PROXY header, and in two pieces.
    wire.unread(first.subarray(7));
    wire.unread(first.subarray(0, 7));
    const [facts] = await Promise.all([wire.startTls(settings()), secureConnect(tls)]);
    assert.equal(facts.protocol, 'TLSv1.3');
    wire.write('220 ready\r\n');
    assert.equal(String(((await once(tls, 'data')) as [Buffer])[0]), '220 ready\r\n');
  });

  it('says what was written before in clear, however slowly the client takes it', async () => {
    const { client, wire } = await wired();
    client.pause();
    const filler = `220 ${'x'.repeat(MUCH)}\r\n`;
    wire.write(filler);
    const shaking = wire.startTls(settings());
    let taken = 0;
    while (taken < filler.length) {
      await once(client, 'readable');
      for (let chunk = client.read(); chunk !== null; chunk = client.read()) taken += chunk.length;
    }
    assert.equal(taken, filler.length);
    const tls = clientTls(client);
    const [facts] = await Promise.all([shaking, secureConnect(tls)]);
    assert.equal(facts.protocol, 'TLSv1.3');
  });

  it('stops a client above the mark, and goes on below it', async () => {
    const { tls, wire } = await secured();
    const sent = 16 * MARK;
    tls.write(Buffer.alloc(sent, 'x'));
    await until(() => tls.writableLength > 0);
    assert.equal((await readAll(wire, sent)).length, sent);
  });

  it('does not read from a client that takes no replies, and loses nothing of them', async () => {
    const { tls, wire } = await secured();
    tls.pause();
    tls.write('NOOP\r\n');
    wire.write('x'.repeat(MUCH));
    const reading = Promise.resolve(wire.read(LONG_MS));
    assert.equal(await soon(reading), 'waits');
    let taken = 0;
    tls.on('data', (chunk: Buffer) => {
      taken += chunk.length;
    });
    tls.resume();
    assert.equal(String(await reading), 'NOOP\r\n');
    await until(() => taken === MUCH);
  });

  it('times out with a silent client', async () => {
    const { wire, pass } = await secured();
    const reading = Promise.resolve(wire.read(1000));
    pass(1001);
    assert.equal(await reading, 'timeout');
  });

  it('closes behind its last reply, with the farewell of TLS', async () => {
    const { server, tls, wire, lost } = await secured();
    tls.write('x'.repeat(100_000));
    await until(() => server.bytesRead > 0);
    wire.write('421 bye\r\n');
    wire.close();
    let text = '';
    tls.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(tls, 'end');
    assert.equal(text, '421 bye\r\n');
    tls.end();
    await until(() => server.destroyed && lost.times === 1);
  });

  it('tears a closed connection down under a client that goes on', async () => {
    const { server, wire, lost, pass } = await secured();
    wire.close();
    pass(4_999);
    assert.equal(server.destroyed, false);
    pass(2);
    await until(() => server.destroyed && lost.times === 1);
  });

  it('has ended when the client says so, and still answers', async () => {
    const { tls, wire } = await secured();
    tls.end('QUIT\r\n');
    await until(() => wire.ended || tls.writableFinished);
    assert.equal(String(await wire.read(LONG_MS)), 'QUIT\r\n');
    assert.equal(await wire.read(LONG_MS), 'ended');
    assert.equal(wire.ended, true);
    assert.equal(wire.broken, false);
    wire.write('221 bye\r\n');
    wire.close();
  });

  it('is broken, and says so once, when the client resets', async () => {
    const { client, server, wire, lost } = await secured();
    const reading = Promise.resolve(wire.read(LONG_MS));
    client.resetAndDestroy();
    assert.equal(await reading, 'ended');
    await until(() => server.destroyed && lost.times > 0);
    assert.equal(lost.times, 1);
    assert.equal(wire.broken, true);
    wire.write('nobody reads this');
    wire.close();
  });

  it('is broken by octets that are no TLS', async () => {
    const { client, server, wire, lost } = await secured();
    const reading = Promise.resolve(wire.read(LONG_MS));
    client.write('QUIT\r\n');
    assert.equal(await reading, 'ended');
    await until(() => server.destroyed && lost.times > 0);
    assert.equal(lost.times, 1);
    assert.equal(wire.broken, true);
  });

  it('does not renegotiate', async () => {
    const { tls, wire } = await secured({}, { maxVersion: 'TLSv1.2' });
    const reading = Promise.resolve(wire.read(LONG_MS));
    tls.renegotiate({}, () => {});
    assert.equal(await reading, 'ended');
    await until(() => wire.broken);
  });

  it('can be torn down with last words', async () => {
    const { server, tls, wire } = await secured();
    wire.tearDown('421 bye\r\n');
    const [chunk] = (await once(tls, 'data')) as [Buffer];
    assert.equal(chunk.toString(), '421 bye\r\n');
    await until(() => server.destroyed);
  });

  it('resumes a session, also under a new certificate with the same ticket keys', async () => {
    const keys = { ticketKeys: Buffer.alloc(48, 1), sessionIdContext: 'test' };
    const first = await secured({ context: contextFor(serverCertificate, keys) });
    const [session] = (await once(first.tls, 'session')) as [Buffer];
    const renewed = contextFor(makeCertificate('mx.example'), keys);
    const second = await secured({ context: renewed }, { session });
    assert.equal(second.tls.isSessionReused(), true);
    const foreign = contextFor(serverCertificate, { ...keys, ticketKeys: Buffer.alloc(48, 2) });
    const third = await secured({ context: foreign }, { session });
    assert.equal(third.tls.isSessionReused(), false);
  });
});

describe('a handshake that fails', () => {
  it('took too long', async () => {
    const { client, server, wire, lost, pass } = await wired();
    const shaking = wire.startTls(settings({ timeoutMs: 10_000 }));
    pass(9_999);
    assert.equal(await soon(shaking), 'waits');
    pass(2);
    await assert.rejects(shaking, { message: 'took longer than 10 s' });
    assert.equal(wire.broken, true);
    wire.write('nobody may hear this');
    await until(() => server.destroyed && lost.times === 1);
    assert.equal(client.bytesRead, 0);
  });

  it('was begun with octets that are no TLS', async () => {
    const { client, server, wire, lost } = await wired();
    client.write('EHLO client.example\r\n');
    await assert.rejects(wire.startTls(settings()), {
      message: /^(wrong version number|packet length too long)$/,
    });
    wire.write('nobody may hear this');
    await until(() => server.destroyed && lost.times === 1);
    assert.doesNotMatch(String(client.read() ?? ''), /nobody/);
  });

  it('has no cipher or version that both know', async () => {
    const { client, wire } = await wired();
    clientTls(client, { maxVersion: 'TLSv1.2' });
    const context = contextFor(serverCertificate, { minVersion: 'TLSv1.3' });
    await assert.rejects(wire.startTls(settings({ context })), { message: 'unsupported protocol' });
  });

  it('was broken off by an alert of the client', async () => {
    const { client, wire } = await wired();
    clientTls(client, { maxVersion: 'TLSv1.2' });
    const hello = await wire.read(LONG_MS);
    assert.ok(Buffer.isBuffer(hello));
    const unknownCa = Buffer.from([0x15, 3, 3, 0, 2, 2, 48]);
    wire.unread(Buffer.concat([hello, unknownCa]));
    await assert.rejects(wire.startTls(settings()), { message: /alert unknown ca$/ });
  });

  for (const [how, leave] of [
    ['closed', 'end'],
    ['reset', 'resetAndDestroy'],
  ] as const) {
    it(`has a client that ${how} the connection before it said anything`, async () => {
      const { client, server, wire, lost } = await wired();
      const shaking = wire.startTls(settings());
      client[leave]();
      await assert.rejects(shaking, { message: 'the client left' });
      await until(() => server.destroyed && lost.times === 1);
    });

    it(`has a client that ${how} the connection behind its first octets`, async () => {
      const { client, server, wire, lost } = await wired();
      const tls = clientTls(client);
      const hello = await wire.read(LONG_MS);
      assert.ok(Buffer.isBuffer(hello));
      wire.unread(hello.subarray(0, 100));
      const shaking = wire.startTls(settings());
      await new Promise((resolve) => setImmediate(resolve));
      client[leave]();
      await assert.rejects(shaking, { message: 'the client left' });
      await until(() => server.destroyed && lost.times === 1);
      tls.destroy();
    });
  }

  it('has a client that was gone before it began', async () => {
    const { client, server, wire, lost } = await wired();
    client.end();
    await once(server, 'end');
    await assert.rejects(wire.startTls(settings()), { message: 'the client left' });
    await until(() => server.destroyed && lost.times === 1);
  });

  it('is ended when the wire is closed meanwhile', async () => {
    const { server, wire, lost } = await wired();
    const shaking = wire.startTls(settings());
    wire.write('not in clear\r\n');
    wire.close();
    await assert.rejects(shaking, { message: 'the client left' });
    await until(() => server.destroyed && lost.times === 1);
  });

  it('is ended when the wire is torn down meanwhile', async () => {
    const { client, server, wire } = await wired();
    const shaking = wire.startTls(settings());
    wire.tearDown('421 bye\r\n');
    await assert.rejects(shaking, { message: 'the client left' });
    await until(() => server.destroyed);
    assert.equal(client.bytesRead, 0);
  });

  it('wants a second one while the first is under way', async () => {
    const { wire } = await wired();
    const first = wire.startTls(settings());
    first.catch(() => {});
    await assert.rejects(wire.startTls(settings()));
    await assert.rejects(first);
  });
});

describe('certificates of clients that are required', () => {
  const ca = makeCertificate('Test CA', { isCa: true });
  const context = contextFor(serverCertificate, { ca: [ca.cert] });
  const required = { context, clientCertificates: 'require' } as const;

  it('let a client in that has one', async () => {
    const { cert, key } = makeCertificate('client.example', { issuer: ca });
    const { facts } = await secured(required, { cert, key });
    assert.equal(facts.clientCertificate?.problem, null);
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${maxVersion}: keep out who has none`, async () => {
      const { client, server, wire } = await wired();
      clientTls(client, { maxVersion });
      await assert.rejects(wire.startTls(settings(required)), { message: /certificate/ });
      await until(() => server.destroyed);
    });

    it(`${maxVersion}: keep out who has one that cannot be verified`, async () => {
      const { client, server, wire } = await wired();
      const { cert, key } = makeCertificate('stranger.example');
      const tls = clientTls(client, { maxVersion, cert, key });
      tls.write('EHLO stranger.example\r\n');
      await assert.rejects(wire.startTls(settings(required)), {
        message: /^the certificate of the client \(CN=stranger\.example\) is not good: self-signed/,
      });
      assert.equal(await wire.read(LONG_MS), 'ended');
      await until(() => server.destroyed);
    });
  }

  it('keep out who resumes a session that was made without one', async () => {
    const keys = { ticketKeys: Buffer.alloc(48, 1), sessionIdContext: 'test' };
    const open = await secured({ context: contextFor(serverCertificate, keys) });
    const [session] = (await once(open.tls, 'session')) as [Buffer];
    const { client, wire } = await wired();
    clientTls(client, { session });
    const strict = contextFor(serverCertificate, { ...keys, ca: [ca.cert] });
    await assert.rejects(wire.startTls(settings({ context: strict, clientCertificates: 'require' })), {
      message: 'the client has shown no certificate',
    });
  });
});

describe('peek', () => {
  for (const kind of ['clear', 'TLS'] as const) {
    const pair = async () => {
      if (kind === 'TLS') return secured();
      const plain = await wired();
      return { ...plain, tls: plain.client };
    };

    it(`${kind}: waits for octets and leaves them to be read`, async () => {
      const { tls, wire } = await pair();
      const peeking = wire.peek(LONG_MS);
      assert.equal(await soon(peeking), 'waits');
      tls.write('NOOP\r\n');
      assert.equal(await peeking, true);
      assert.equal(await wire.peek(0), true);
      assert.equal(String(await wire.read(LONG_MS)), 'NOOP\r\n');
      assert.equal(await wire.peek(0), false);
    });

    it(`${kind}: gives up when its time is over, and a later read has it all`, async () => {
      const { tls, wire, pass } = await pair();
      const peeking = wire.peek(1000);
      pass(1001);
      assert.equal(await peeking, false);
      tls.write('NOOP\r\n');
      assert.equal(String(await wire.read(LONG_MS)), 'NOOP\r\n');
    });

    it(`${kind}: does not disturb a read that begins while it waits, nor another peek`, async () => {
      const { tls, wire, pass } = await pair();
      const short = wire.peek(1000);
      const long = wire.peek(LONG_MS);
      const reading = Promise.resolve(wire.read(LONG_MS));
      pass(1001);
      assert.equal(await short, false);
      tls.write('NOOP\r\n');
      assert.equal(await long, true);
      assert.equal(String(await reading), 'NOOP\r\n');
    });

    it(`${kind}: hears of the end`, async () => {
      const { tls, wire } = await pair();
      const peeking = wire.peek(LONG_MS);
      tls.end();
      assert.equal(await peeking, false);
      assert.equal(await wire.read(LONG_MS), 'ended');
    });

    it(`${kind}: hears of a break, and of a close`, async () => {
      const one = await pair();
      const broken = one.wire.peek(LONG_MS);
      one.client.resetAndDestroy();
      assert.equal(await broken, false);
      const other = await pair();
      const closed = other.wire.peek(LONG_MS);
      other.wire.close();
      assert.equal(await closed, false);
    });
  }
});

describe('dropInput', () => {
  it('drops all that was read, also what a stopped socket holds, and goes on reading', async () => {
    const { client, server, wire } = await wired();
    const sent = 4 * MARK;
    client.write(Buffer.alloc(sent, 'x'));
    await until(() => server.isPaused() && server.bytesRead > MARK);
    const dropped = wire.dropInput();
    assert.ok(dropped > MARK && dropped === server.bytesRead, `${dropped} of ${server.bytesRead}`);
    let rest = 0;
    while (dropped + rest < sent) {
      const chunk = await wire.read(LONG_MS);
      assert.ok(Buffer.isBuffer(chunk));
      rest += chunk.length;
    }
    assert.equal(dropped + rest, sent);
  });
});
