// Time limits of the PROXY header, with a clock that is set by hand.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NetworkList } from '../../src/protocol/network.ts';
import type { ListenAddress } from '../../src/server/listen-address.ts';
import { proxyRule, readPreamble } from '../../src/server/proxy-preamble.ts';
import { TestWire } from '../session/support.ts';
import { HandClock } from './support.ts';

class WaitingWire extends TestWire {
  readonly limits: number[] = [];

  override read(timeoutMs?: number) {
    this.limits.push(timeoutMs ?? Number.NaN);
    return super.read();
  }
}

describe('readPreamble', () => {
  it('gives a header five seconds in all, however it trickles in', async () => {
    const wire = new WaitingWire();
    const clock = new HandClock();
    const reading = readPreamble(wire, 'required', () => clock.monotonic());
    for (const piece of ['PROXY', ' TCP4', ' 192']) {
      await wire.idle();
      clock.ms += 1900;
      wire.send(piece);
    }
    await assert.rejects(reading, { message: 'no whole PROXY header came in time' });
    assert.deepEqual(wire.limits, [5000, 3100, 1200]);
  });

  it('does not wait longer for silence', async () => {
    const wire = new WaitingWire();
    const reading = readPreamble(wire, 'required', () => 0);
    await wire.idle();
    wire.expire();
    await assert.rejects(reading, { message: 'no whole PROXY header came in time' });
  });

  it('goes on without one where there need be none, and loses no octet', async () => {
    for (const octets of ['', 'EHLO c.example\r\n', '\r\n\r\nQUIT\r\n']) {
      const wire = new WaitingWire();
      if (octets !== '') wire.send(octets);
      assert.equal(await readPreamble(wire, 'possible', () => 0), null);
      if (octets !== '') assert.equal(String(await wire.read()), octets);
    }
  });

  it('waits for the rest of what may become one', async () => {
    const wire = new WaitingWire();
    wire.send('PRO');
    const reading = readPreamble(wire, 'possible', () => 0);
    await wire.idle();
    wire.send('XY TCP4 192.0.2.1 192.0.2.2 1 2\r\nQUIT\r\n');
    assert.equal((await reading)?.addresses?.remoteIp, '192.0.2.1');
    assert.equal(String(await wire.read()), 'QUIT\r\n');
  });
});

describe('proxyRule', () => {
  const proxies = NetworkList.parse(['192.0.2.0/24']);
  const sources = [{ networks: NetworkList.parse(['127.0.0.1']) }];
  const port: ListenAddress = { host: '', port: 25 };
  const socket: ListenAddress = { path: '/run/smtp' };
  for (const [what, address, ip, rule] of [
    ['a listed proxy', port, '192.0.2.1', 'required'],
    ['a listed proxy on a listener for proxies', { ...port, proxy: true }, '192.0.2.1', 'required'],
    ['a stranger', port, '198.51.100.1', 'none'],
    ['a stranger on a listener for proxies', { ...port, proxy: true }, '198.51.100.1', 'refuse'],
    ['a source of a plugin', port, '127.0.0.1', 'possible'],
    ['a source of a plugin on a listener for proxies', { ...port, proxy: true }, '127.0.0.1', 'refuse'],
    ['a unix socket', socket, '127.0.0.1', 'none'],
  ] as const) {
    it(`${what}: ${rule}`, () => assert.equal(proxyRule(address, ip, proxies, sources), rule));
  }
});
