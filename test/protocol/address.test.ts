import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Address } from '../../src/protocol/address.ts';

const legal: [path: string, localPart: string, domain: string, again?: string][] = [
  ['<>', '', ''],
  ['<a@b.example>', 'a', 'b.example'],
  ['<A.b+c=d@B.Example>', 'A.b+c=d', 'B.Example'],
  ['<user@under_score.example>', 'user', 'under_score.example'],
  ['<postmaster>', 'postmaster', ''],
  ['<Abuse>', 'Abuse', ''],
  ['<"a b"@c.example>', 'a b', 'c.example'],
  ['<"a\\ b"@c.example>', 'a b', 'c.example', '<"a b"@c.example>'],
  ['<"a@b,\\"\\\\"@c.example>', 'a@b,"\\', 'c.example'],
  ['<"plain"@c.example>', 'plain', 'c.example', '<plain@c.example>'],
  ['<@x.example,@y.example:a@b.example>', 'a', 'b.example', '<a@b.example>'],
  ['<a@[192.0.2.1]>', 'a', '[192.0.2.1]'],
  ['<a@[IPv6:2001:db8::1]>', 'a', '[IPv6:2001:db8::1]'],
  ['<a@[IPv6:::ffff:192.0.2.1]>', 'a', '[IPv6:::ffff:192.0.2.1]'],
];
for (const [path, localPart, domain, again = path] of legal) {
  test(`${path} is an address`, () => {
    const address = Address.parse(path);
    assert.deepEqual([address?.localPart, address?.domain], [localPart, domain]);
    assert.equal(address?.path, again);
    assert.deepEqual(Address.parse(again), address);
  });
}

const illegal = [
  'a@b',
  '<a@b',
  'a@b>',
  '<a>',
  '<@b>',
  '<a@>',
  '<a b@c>',
  '<a<b@c>',
  '<a@b@c>',
  '<a\0@b>',
  '<a\r@b>',
  '<.a@b>',
  '<a.@b>',
  '<a..b@c>',
  '<a@client/test>',
  '<a@client;test>',
  '<a@-b.example>',
  '<a@b-.example>',
  '<a@b..c>',
  '<a@b.>',
  '<a@[1.2.3]>',
  '<a@[1.2.3.256]>',
  '<a@[IPv6:1::2::3]>',
  '<a@[IPv6:12345::]>',
  '<a@[IPv6:1:192.0.2.1::]>',
  '<""@b>',
  '<"a"b"@c>',
  '<"a\n"@c>',
  '<\xe9@b.example>',
  '<a@\xe9.example>',
  '<[undefined]@x>',
  `<a@${'b'.repeat(300)}>`,
  '<a@b>x',
];
for (const path of illegal) {
  test(`${JSON.stringify(path)} is none`, () => assert.equal(Address.parse(path), null));
}

test('an address from parts is quoted where RFC 5321 needs it', () => {
  assert.equal(new Address('a,b', 'c.example').path, '<"a,b"@c.example>');
  assert.equal(new Address('..', 'c.example').path, '<".."@c.example>');
});
