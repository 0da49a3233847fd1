import assert from 'node:assert/strict';
import { it } from 'node:test';
import { askableName, isLoopback, reverseName } from '../../src/net/dns-name.ts';

it('askableName holds names to the limits of the wire', () => {
  const label = 'a'.repeat(63);
  const longest = `${label}.${label}.${label}.${'a'.repeat(61)}`;
  assert.equal(longest.length, 253);
  for (const name of [longest, label, 'a', '_dmarc.a.example', 'a b+c:d"\\.example', 'localhost']) {
    assert.equal(askableName(name), name);
    assert.equal(askableName(`${name}.`), name);
  }
  for (const name of [
    `${longest}a`,
    `${label}a`,
    '',
    '.',
    '..',
    'a..b',
    '.a',
    'a\tb',
    'a\0',
    'é',
    '\x7f',
    '犬',
  ]) {
    assert.equal(askableName(name), null, JSON.stringify(name));
  }
});

it('reverseName turns addresses round', () => {
  assert.equal(reverseName('192.0.2.10'), '10.2.0.192.in-addr.arpa');
  assert.equal(reverseName('::ffff:192.0.2.10'), '10.2.0.192.in-addr.arpa');
  assert.equal(reverseName('::FFFF:c000:20a'), '10.2.0.192.in-addr.arpa');
  // the example of RFC 3596 2.5
  assert.equal(
    reverseName('4321:0:1:2:3:4:567:89AB'),
    'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa',
  );
  assert.equal(reverseName('fe80::1%eth0'), reverseName('fe80:0:0:0:0:0:0:1'));
  assert.equal(reverseName('::'), `${'0.'.repeat(32)}ip6.arpa`);
  assert.equal(reverseName('64:ff9b::192.0.2.1'), reverseName('64:ff9b::c000:201'));
  for (const text of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', ':::', 'a.example', '[::1]']) {
    assert.equal(reverseName(text), null, text);
  }
});

it('isLoopback knows every spelling', () => {
  for (const ip of [
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.2',
    '::0.0.0.1',
  ]) {
    assert.ok(isLoopback(ip), ip);
  }
  for (const ip of [
    '128.0.0.1',
    '12.7.0.1',
    '::',
    '::2',
    '1::1',
    '::ffff:1.2.3.4',
    '127.example',
    '127.0.0.1.example',
  ]) {
    assert.ok(!isLoopback(ip), ip);
  }
});
