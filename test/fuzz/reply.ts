// What plugins, config files and the DNS put into replies.

import assert from 'node:assert/strict';
import { formatReply } from '../../src/protocol/reply.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const seeds = ['go away', '5.7.1 go away\n250 OK', 'see https://example.com/\r\n', '\n\n', '\xff\xfe'];
const tokens = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '250 ',
  '250-',
  '5.7.1 ',
  '2.0.0',
  ' ',
  'x'.repeat(510),
  '\x1b[31m',
  '?',
];

export const replyTarget: Target = {
  name: 'reply',
  promise: 'whatever its text, a reply is lines of printable ASCII with one code, 512 octets each at most',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: (input) => check(input.toString('latin1')) };
  },
};

function check(text: string): void {
  for (const lines of [[text], text.split('\n'), [text, text]]) {
    for (const status of [undefined, '5.7.1'] as const) {
      const out = formatReply({ code: 550, status, lines });
      const written = out.split('\r\n');
      assert.equal(written.pop(), '');
      const last = written.pop();
      assert.match(last ?? '', /^550 [\x20-\x7e]{0,506}$/);
      for (const line of written) assert.match(line, /^550-[\x20-\x7e]{0,506}$/);
    }
  }
}
