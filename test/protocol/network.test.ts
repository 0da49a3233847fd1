import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { describe, it } from 'node:test';
import { NetworkList, parseNetwork } from '../../src/protocol/network.ts';

function holds(entry: string, ip: string): boolean {
  return NetworkList.parse([entry]).contains(ip);
}

describe('parseNetwork', () => {
  const cases: [entry: string, inside: string[], outside: string[]][] = [
    ['10.1.2.3', ['10.1.2.3'], ['10.1.2.4', '10.1.2.30', '10.1.2.2']],
    ['10.', ['10.0.0.0', '10.255.255.255'], ['1.0.0.0', '100.0.0.1', '11.0.0.0']],
    ['192.168.', ['192.168.0.1', '192.168.255.255'], ['192.16.8.1', '192.169.0.0']],
    ['192.0.98.', ['192.0.98.7'], ['192.0.99.7']],
    ['10.1.0.0/16', ['10.1.0.0', '10.1.255.255'], ['10.0.255.255', '10.2.0.0']],
    ['10.1.2.3/16', ['10.1.0.0', '10.1.255.255'], ['10.2.0.0']],
    ['10.1/16', ['10.1.7.7'], ['10.2.0.0']],
    ['192.0.2.6/31', ['192.0.2.6', '192.0.2.7'], ['192.0.2.5', '192.0.2.8']],
    ['192.0.2.6/32', ['192.0.2.6'], ['192.0.2.7']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::1', '2001:db8::1']],
    ['200.0.0.0/8', ['200.1.2.3', '200.255.255.255'], ['72.1.2.3', '201.0.0.0']],
    ['2001:db8::/32', ['2001:db8::', '2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff'], ['2001:db9::', '10.1.2.3']],
    ['2001:DB8::1/32', ['2001:db8:5::9'], ['2001:db7::1']],
    ['2001:DB8::1', ['2001:db8:0:0:0:0:0:1', '2001:0db8::0001'], ['2001:db8::2']],
    ['2001:0DB8:0000:0000:0000:0000:0000:0001', ['2001:db8::1'], ['2001:db8::']],
    ['2001:db8:', ['2001:db8::1', '2001:db8:ffff::'], ['2001:db80::1', '2001:db9::1']],
    ['2001:db8:e431:ae06:', ['2001:db8:e431:ae06::5'], ['2001:db8:e431:ae07::5']],
    ['2001:0DB8', ['2001:db8::', '2001:db8:ffff::'], ['2001:db9::', '2001:db7:ffff::']],
    ['2001:0db8:4', ['2001:db8:4000::', '2001:db8:4fff::'], ['2001:db8:4::', '2001:db8:5000::']],
    ['2001:0DB8:0000:0000:0000:0000:000', ['2001:db8::f:0'], ['2001:db8::10:0']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1'], ['::2', '::', '0.0.0.1', '127.0.0.1']],
    ['fe80::/10', ['fe80::1', 'fe80::1%eth0', 'febf::'], ['fec0::']],
    ['::/0', ['::1', 'ffff::'], ['10.0.0.1']],
    ['64:ff9b::192.0.2.1', ['64:ff9b::c000:201'], ['192.0.2.1']],
    ['::ffff:10.1.2.3', ['10.1.2.3', '::ffff:10.1.2.3', '::FFFF:a01:203'], ['::10.1.2.3']],
    ['::ffff:10.1.0.0/112', ['10.1.9.9', '::ffff:10.1.9.9'], ['10.2.0.0']],
    ['10.1.', ['::ffff:10.1.0.1', '::ffff:a01:1'], ['::ffff:10.2.0.1']],
  ];
  for (const [entry, inside, outside] of cases) {
    it(`reads ${entry}`, () => {
      for (const ip of inside) assert.equal(holds(entry, ip), true, `${ip} is in ${entry}`);
      for (const ip of outside) assert.equal(holds(entry, ip), false, `${ip} is not in ${entry}`);
    });
  }

  const bad = [
    '',
    '.',
    ':',
    'IP',
    '10',
    '2001',
    '10.1.2.3.',
    '10.1.2.3.4',
    '10..1.',
    '10.256.',
    '10.1.2.256',
    '010.1.2.3',
    '10.1.2.3/33',
    '10.1.2.3/',
    '10.1.2.3/-1',
    '10.1.2.3/1e1',
    '10.1.2.3/ 8',
    '10.1./16',
    '10.1.2.3/8/8',
    '1::2::3',
    ':::',
    ':1:2',
    '2001:db8:1',
    '2001:db8::/129',
    '2001:db8:/32',
    '2001:0db8::000g',
    '1:2:3:4:5:6:7:8:',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    '::1.2.3',
    '1.2.3.4::',
    '::ffff:10.1.2.3/95',
    'fe80::1%eth0',
    '*.example.com',
  ];
  for (const text of bad) {
    it(`refuses "${text}" with a sentence`, () => {
      assert.throws(() => parseNetwork(text), /^Error: (?:"|the prefix length in ").*[^.]$/);
    });
  }

  it('tells how to write an IPv4 prefix', () => {
    assert.throws(() => parseNetwork('192.168'), /a prefix ends in a dot: "192\.168\."/);
  });

  it('agrees with node:net on random blocks and addresses', () => {
    let seed = 20_261_122;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    let inside = 0;
    for (let round = 0; round < 2000; round++) {
      const six = random(2) === 1;
      const bits = random(six ? 129 : 33);
      const group = () => (random(3) === 0 ? 0 : random(65_536));
      const make = () =>
        six ? Array.from({ length: 8 }, group) : Array.from({ length: 4 }, () => random(256));
      const show = (parts: number[]) =>
        six ? parts.map((part) => part.toString(16)).join(':') : parts.join('.');
      const base = make();
      const near = base.map((part, at) => (at > random(9) ? part ^ random(4) : part));
      const peers = new BlockList();
      peers.addSubnet(show(base), bits, six ? 'ipv6' : 'ipv4');
      const list = NetworkList.parse([`${show(base)}/${bits}`]);
      for (const ip of [show(near), show(make()), show(base)]) {
        const expected = peers.check(ip, six ? 'ipv6' : 'ipv4');
        if (expected) inside++;
        assert.equal(list.contains(ip), expected, `${ip} in ${show(base)}/${bits}`);
      }
    }
    assert.ok(inside > 2000);
  });
});

describe('NetworkList', () => {
  it('finds a client among entries of several kinds', () => {
    const list = NetworkList.parse(['127.0.0.1', '192.0.', '2001:0DB8', '10.0.0.0/8', '10.1.0.0/16']);
    for (const ip of ['127.0.0.1', '192.0.2.1', '2001:db8::7', '10.9.9.9', '10.1.1.1']) {
      assert.equal(list.contains(ip), true, ip);
    }
    for (const ip of ['127.0.0.2', '193.0.0.1', '::1']) assert.equal(list.contains(ip), false, ip);
  });

  it('holds nothing that is no address', () => {
    const list = NetworkList.parse(['0.0.0.0/0', '::/0']);
    for (const ip of ['', 'localhost', '10.1', '10.', '2001:', `${'1'.repeat(5000)}`, '%eth0']) {
      assert.equal(list.contains(ip), false, ip);
    }
  });

  it('knows when it is empty', () => {
    assert.equal(NetworkList.parse([]).isEmpty, true);
    assert.equal(NetworkList.parse(['::1']).isEmpty, false);
    assert.equal(new NetworkList([]).contains('10.0.0.1'), false);
  });
});
