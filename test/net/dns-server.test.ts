import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseDnsServer } from '../../src/net/dns-server.ts';

it('parseDnsServer reads an address with or without a port', () => {
  assert.deepEqual(parseDnsServer('192.0.2.1'), { address: '192.0.2.1', port: 53 });
  assert.deepEqual(parseDnsServer('192.0.2.1:5353'), { address: '192.0.2.1', port: 5353 });
  assert.deepEqual(parseDnsServer('2001:db8::1'), { address: '2001:db8::1', port: 53 });
  assert.deepEqual(parseDnsServer('[2001:db8::1]'), { address: '2001:db8::1', port: 53 });
  assert.deepEqual(parseDnsServer('[::1]:65535'), { address: '::1', port: 65_535 });
});

it('parseDnsServer refuses all else', () => {
  const texts = [
    '',
    'ns.example',
    'ns.example:53',
    '192.0.2.1:',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2.1:x',
  ];
  for (const text of [
    ...texts,
    '[192.0.2.1]:53',
    '[::1',
    '::1]:53',
    ':53',
    '192.0.2.1:53:53',
    ' 192.0.2.1',
  ]) {
    assert.equal(parseDnsServer(text), null, text);
  }
});
