// random_error with dice that are known.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomErrorPlugin } from '../../plugins/random_error.ts';
import type { HookTable } from '../../src/contract/hooks.ts';
import { definePlugin } from '../../src/contract/plugin.ts';
import { declined } from '../../src/contract/verdict.ts';
import { findingsFor, stageWith, talkOn } from './plugin-talk.ts';

/** Dice that show these numbers, and 0 behind them, which is never an error. */
function dice(...numbers: readonly number[]) {
  const left = [...numbers];
  return { left, random: () => left.shift() ?? 0 };
}

const ENVELOPE = ['EHLO client.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA'];

async function talk(line: string, random: () => number, other: HookTable = {}) {
  const plugins = {
    random_error: randomErrorPlugin(random),
    other: definePlugin({ name: 'other', summary: 'of a test', setup: () => other }),
  };
  return talkOn(await stageWith([line, 'other'], { plugins }));
}

describe('random_error', () => {
  it('throws the dice at each of the six points of a message', async () => {
    for (let point = 0; point < 6; point++) {
      // The throw behind the one that fails says how to refuse: 0.4 and more keeps the connection.
      const { left, random } = dice(...Array<number>(point).fill(0), 0.9999, 0.4);
      const client = await talk('random_error 10', random);
      if (point > 0) await client.say(...ENVELOPE);
      if (point === 5) assert.match(await client.send('x: y\r\n\r\n.\r\n'), /^452 4\.3\.0 random failure$/);
      assert.deepEqual(left, [], `point ${point}`);
      assert.equal(client.isClosed, point === 0);
    }
  });

  it('refuses for now, and hangs up in two of five cases', async () => {
    const keeps = await talk('random_error 10', dice(0, 0.9999, 0.4).random);
    assert.equal(await keeps.say('HELO client.example'), '450 4.3.0 random failure');
    assert.equal(keeps.isClosed, false);
    const hangsUp = await talk('random_error 10', dice(0, 0.9999, 0.3999).random);
    assert.equal(await hangsUp.say('HELO client.example'), '450 4.3.0 random failure');
    assert.equal(hangsUp.isClosed, true);
  });

  it('shares the percentage out, so that it is that of whole messages', async () => {
    // (1 - 0.47) to the power of 1/6 is 0.8996.
    const passes = await talk('random_error 47', dice(0.8995).random);
    assert.match(passes.greeting, /^220 /);
    const fails = await talk('random_error 47', dice(0.8997, 0.4).random);
    assert.equal(fails.greeting, '450 4.3.0 random failure');
  });

  it('goes by the percentage that another plugin has noted', async () => {
    const other: HookTable = {
      connect(at) {
        assert.equal(at.connection.notes.get('random_fail_%'), 1);
        at.connection.notes.set('random_fail_%', 100);
        return declined;
      },
    };
    const client = await talk('random_error', dice(0, 0, 0.5).random, other);
    assert.equal(await client.say('EHLO client.example'), '450 4.3.0 random failure');
  });

  it('throws its own dice for each of its lines', async () => {
    const { left, random } = dice(0.5, 0.5, 0.7);
    const plugins = { random_error: randomErrorPlugin(random) };
    const client = await talkOn(await stageWith(['random_error -1', 'random_error:1 100'], { plugins }));
    assert.equal(client.greeting, '450 4.3.0 random failure');
    assert.deepEqual(left, []);
  });

  it('wants a number up to 100, and one only', async () => {
    const messageOf = async (line: string) => (await findingsFor([line]))[0]?.text;
    assert.match((await messageOf('random_error 101')) ?? '', /101 is more than 100 percent/);
    assert.match((await messageOf('random_error often')) ?? '', /"often" is not a number/);
    assert.match((await messageOf('random_error 1 2')) ?? '', /"2"/);
  });
});
