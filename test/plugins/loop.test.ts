// loop with as many fields as its default allows.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MESSAGE } from '../session/support.ts';
import { findingsFor, stageWith, talkOn } from './plugin-talk.ts';

const FIELD = 'Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n';

describe('loop', () => {
  for (const line of ['loop', 'check_loop', 'loop max_hops 100']) {
    it(`as ${line} lets 100 hosts pass, this one included, and no more`, async () => {
      const talk = await talkOn(await stageWith([line]));
      await talk.say('EHLO client.example\r\n');
      const send = (fields: number) =>
        talk.say(
          `MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n${FIELD.repeat(fields)}${MESSAGE}`,
        );
      assert.match(await send(98), /^250 [^\n]*$/m);
      assert.match(await send(99), /^552 5\.4\.6 mail loop found$/m);
    });
  }

  for (const [line, text] of [
    ['loop many', /"many" is not a whole number/],
    ['loop 0', /0 is not between 1 and/],
  ] as const) {
    it(`does not take "${line}"`, async () => {
      assert.match((await findingsFor([line]))[0]?.text ?? '', text);
    });
  }
});
