// Which transaction of a connection it is, as plugins see it.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { begin } from './support.ts';

it('transactions are counted from the first MAIL on, whatever becomes of them', async () => {
  const seen: [string, number][] = [];
  const look = (word: string) => (at: { readonly transaction: { readonly number: number } }) => {
    seen.push([word, at.transaction.number]);
    return { code: 'DECLINED', text: [] } as const;
  };
  const talk = await begin({
    plugins: { look: { connect: look('connect'), mail: look('mail'), noop: look('noop') } },
  });
  await talk.say('EHLO client.example', 'MAIL FROM:<a@a.example>', 'MAIL FROM:<b@b.example>', 'NOOP');
  await talk.say('RSET', 'NOOP', 'MAIL FROM:<c@c.example>');
  assert.deepEqual(seen, [
    ['connect', 0],
    ['mail', 1],
    ['mail', 2],
    ['noop', 2],
    ['noop', 0],
    ['mail', 3],
  ]);
});
