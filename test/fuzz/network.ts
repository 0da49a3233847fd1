// Addresses and networks of the lists, against Node's own BlockList.

import assert from 'node:assert/strict';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { parseIp } from '../../src/protocol/ip-address.ts';
import { NetworkList } from '../../src/protocol/network.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const seeds = [
  '10.1.2.3 10.1.2.3',
  '192.0.2.0/24 192.0.2.255',
  '2001:db8::/32 2001:db8:ffff::1',
  '10.1. 10.1.2.3',
  '2001:0db8:4 2001:db8:4000::',
  '::ffff:10.0.0.0/104 10.1.2.3',
  'fe80::/10 fe80::1%eth0',
];
const tokens = [
  '::',
  ':',
  '.',
  '/',
  '/0',
  '/32',
  '/128',
  '255',
  '256',
  '0',
  '00',
  'ffff',
  '::ffff:',
  '%',
  ' ',
  '1.',
  '-1',
];

export const networkTarget: Target = {
  name: 'network',
  promise: 'takes the addresses that Node takes, and finds a client in a block where Node finds it',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: (input) => check(input.toString('latin1')) };
  },
};

function check(line: string): void {
  const [text = '', client = ''] = line.split(' ');
  const address = parseIp(client);
  const known = isIPv4(client) || (isIPv6(client) && !client.includes('%'));
  assert.equal(address !== null, known, client);
  const list = parse(text);
  if (list === null) return;
  const isIn = list.contains(client);
  const [, base = '', bits = ''] = /^([^/]+)\/(\d+)$/.exec(text) ?? [];
  const family = isIPv6(base) ? 'ipv6' : 'ipv4';
  // Node does not know that a mapped address is the IPv4 one on both sides.
  if (!known || /ffff/i.test(line) || !(isIPv4(base) || isIPv6(base)) || /:.*\./.test(line)) return;
  const blocks = new BlockList();
  blocks.addSubnet(base, Number(bits), family);
  if (isIPv6(client) === isIPv6(base) && parseIp(base)?.family === address?.family) {
    assert.equal(isIn, blocks.check(client, family), line);
  }
}

function parse(text: string): NetworkList | null {
  try {
    return NetworkList.parse([text]);
  } catch (error) {
    assert.ok(error instanceof Error && error.constructor === Error, String(error));
    return null;
  }
}
