import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fakeResolver } from './fake-resolver.ts';

const dns = () =>
  fakeResolver({
    'Example.com': {
      A: ['192.0.2.1'],
      AAAA: ['2001:db8::1'],
      MX: [[10, 'mx.example.com']],
      TXT: ['v=spf1 -all'],
      NS: ['ns.example.com'],
    },
    '192.0.2.1': { PTR: ['example.com'] },
    '2.2.0.192.in-addr.arpa': { PTR: ['two.example.com'] },
    '2001:db8::1': { PTR: ['six.example.com'] },
    'slow.example': { failure: 'timeout' },
    'broken.example': { failure: 'failure' },
  });

it('answers from its zone, in any case of letters', async () => {
  const answer = <T>(value: T) => ({ kind: 'answer', values: [value], ttl: 300 });
  assert.deepEqual(await dns().resolve4('example.COM.'), answer('192.0.2.1'));
  assert.deepEqual(await dns().resolve6('example.com'), answer('2001:db8::1'));
  assert.deepEqual(
    await dns().resolveMx('example.com'),
    answer({ preference: 10, exchange: 'mx.example.com' }),
  );
  assert.deepEqual(await dns().resolveTxt('example.com'), answer('v=spf1 -all'));
  assert.deepEqual(await dns().resolveNs('example.com'), answer('ns.example.com'));
  assert.deepEqual(await dns().reverse('192.0.2.1'), answer('example.com'));
  assert.deepEqual(await dns().reverse('::ffff:192.0.2.2'), answer('two.example.com'));
  assert.deepEqual(await dns().reverse('2001:db8:0::1'), answer('six.example.com'));
  assert.deepEqual(await dns().resolvePtr('1.2.0.192.in-addr.arpa'), answer('example.com'));
});

it('tells what is missing, broken or slow', async () => {
  assert.deepEqual(await dns().resolve4('none.example'), { kind: 'no-name' });
  assert.deepEqual(await dns().resolvePtr('example.com'), { kind: 'no-data' });
  assert.deepEqual(await dns().resolve4('slow.example'), { kind: 'timeout' });
  assert.deepEqual(await dns().resolveMx('broken.example'), { kind: 'failure', reason: 'SERVFAIL' });
  assert.deepEqual(await dns().reverse('192.0.2.77'), { kind: 'no-name' });
  assert.deepEqual(await dns().reverse('nonsense'), { kind: 'no-name' });
});

it('keeps account of what it was asked', async () => {
  const resolver = dns();
  await resolver.resolve4('A.example');
  await resolver.reverse('192.0.2.1');
  await resolver.reverse('127.0.0.1');
  await resolver.resolveTxt('a..b');
  assert.deepEqual(resolver.asked, ['A a.example', 'PTR 1.2.0.192.in-addr.arpa']);
});
