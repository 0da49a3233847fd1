// connection_time by a clock that is set by hand.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import connectionTime from '../../plugins/connection_time.ts';
import { definePlugin } from '../../src/contract/plugin.ts';
import { deny } from '../../src/contract/verdict.ts';
import { HandClock } from '../server/support.ts';
import { stageWith, talkOn } from './plugin-talk.ts';

/** Time of day and time that passes, apart. */
class TwoClocks extends HandClock {
  dayMs = 1_000_000;

  override now(): Date {
    return new Date(this.dayMs);
  }

  pass(ms: number): void {
    this.ms += ms;
    this.dayMs += ms;
  }
}

const timesIn = (log: readonly string[]) =>
  log.flatMap((line) => /connection_time(?::\d)?: .* s\.$/.exec(line) ?? []);

describe('connection_time', () => {
  it('counts what passes, whatever happens to the time of day', async () => {
    const clock = new TwoClocks();
    const stage = await stageWith(['connection_time'], { clock });
    const client = await talkOn(stage);
    clock.pass(1250);
    clock.dayMs -= 500_000;
    await client.say('QUIT');
    await client.over;
    assert.deepEqual(timesIn(stage.takeLog()), ['connection_time: 1.250 s.']);
  });

  it('begins when the client came, and has a count of its own for each client and line', async () => {
    const clock = new TwoClocks();
    const slow = definePlugin({
      name: 'slow',
      summary: 'of a test',
      setup: () => ({
        connect() {
          clock.pass(300);
          return deny();
        },
      }),
    });
    const stage = await stageWith(['slow', 'connection_time', 'connection_time:1'], {
      clock,
      plugins: { slow },
    });
    await (await talkOn(stage)).over;
    clock.pass(60_000);
    await (await talkOn(stage)).over;
    const each = ['connection_time: 0.300 s.', 'connection_time:1: 0.300 s.'];
    assert.deepEqual(timesIn(stage.takeLog()).sort(), [...each, ...each].sort());
  });

  it('takes levels in all the ways of qpsmtpd', () => {
    const level = connectionTime.options?.loglevel;
    assert.ok(level);
    assert.deepEqual(['LOGDEBUG', 'warn', '3', '+1', '-1', '-7'].map(level.parse), [
      'debug',
      'warn',
      'error',
      'debug',
      'notice',
      'emerg',
    ]);
    assert.equal(level.default, 'info');
    assert.throws(() => level.parse('often'), { message: /^"often" is none of/ });
  });
});
