// Which clients take an answer for each recipient, as queue plugins are told.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ok } from '../../src/contract/verdict.ts';
import { begin, MESSAGE } from './support.ts';

describe('transaction.answersEach', () => {
  for (const [what, lmtp, mail, wanted] of [
    ['SMTP', false, 'MAIL FROM:<a@a.example>', false],
    ['PRDR', false, 'MAIL FROM:<a@a.example> PRDR', true],
    ['LMTP', true, 'MAIL FROM:<a@a.example>', true],
  ] as const) {
    it(`of ${what} is ${wanted}`, async () => {
      const seen: boolean[] = [];
      const talk = await begin({
        client: { ip: '127.0.0.1', host: 'localhost', service: { tls: false, lmtp } },
        plugins: {
          'queue/look': {
            queue({ transaction }) {
              seen.push(transaction.answersEach);
              return ok();
            },
          },
        },
      });
      const hello = lmtp ? 'LHLO client.example' : 'EHLO client.example';
      await talk.say(hello, mail, 'RCPT TO:<b@b.example>', 'RCPT TO:<c@b.example>', 'DATA');
      await talk.send(MESSAGE);
      assert.deepEqual(seen, [wanted]);
    });
  }
});
