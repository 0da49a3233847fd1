import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { parseResolvConf, ResolvConf } from '../../src/net/resolv-conf.ts';
import { manualClock } from './loopback-dns.ts';

const addresses = (servers: readonly { address: string }[]) => servers.map(({ address }) => address);

describe('parseResolvConf', () => {
  it('takes nameserver lines and nothing else', () => {
    const text = [
      '# nameserver 192.0.2.9',
      '; nameserver 192.0.2.9',
      'search example.com',
      'nameserver 192.0.2.1',
      '  nameserver\t2001:db8::1  # comment',
      'nameserver ns.example.com',
      'nameserver',
      'options timeout:1 attempts:9',
    ].join('\n');
    assert.deepEqual(parseResolvConf(text), [
      { address: '192.0.2.1', port: 53 },
      { address: '2001:db8::1', port: 53 },
    ]);
  });

  it('takes three at most, line ends of any kind', () => {
    const text =
      'nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\nnameserver fe80::1%eth0\nnameserver 192.0.2.4';
    assert.deepEqual(addresses(parseResolvConf(text)), ['192.0.2.1', '192.0.2.2', 'fe80::1%eth0']);
  });

  it('asks this host when no server is named', () => {
    assert.deepEqual(parseResolvConf('search example.com\n'), [{ address: '127.0.0.1', port: 53 }]);
  });
});

describe('ResolvConf', () => {
  function setUp(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'resolv-conf-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'resolv.conf');
    const clock = manualClock();
    const file = new ResolvConf(clock, path);
    return { path, clock, seen: () => addresses(file.servers()) };
  }

  it('sees a change, but looks once a second at most', (t) => {
    const { path, clock, seen } = setUp(t);
    writeFileSync(path, 'nameserver 192.0.2.1\n');
    assert.deepEqual(seen(), ['192.0.2.1']);
    writeFileSync(`${path}.new`, 'nameserver 192.0.2.2\n');
    renameSync(`${path}.new`, path);
    clock.advance(0.999);
    assert.deepEqual(seen(), ['192.0.2.1']);
    clock.advance(0.001);
    assert.deepEqual(seen(), ['192.0.2.2']);
  });

  it('keeps the servers while the file is gone', (t) => {
    const { path, clock, seen } = setUp(t);
    assert.deepEqual(seen(), ['127.0.0.1']);
    writeFileSync(path, 'nameserver 192.0.2.1\n');
    clock.advance(1);
    assert.deepEqual(seen(), ['192.0.2.1']);
    rmSync(path);
    clock.advance(1);
    assert.deepEqual(seen(), ['192.0.2.1']);
    writeFileSync(path, 'nameserver 192.0.2.3\n');
    clock.advance(1);
    assert.deepEqual(seen(), ['192.0.2.3']);
  });
});
