// loadcheck on a host whose load is known.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadcheckPlugin } from '../../plugins/loadcheck.ts';
import { HandClock } from '../server/support.ts';
import { findingsFor, stageWith, talkOn } from './plugin-talk.ts';

async function host(...lines: readonly string[]) {
  const facts = { load: 0, readings: 0 };
  const read = () => {
    facts.readings++;
    return facts.load;
  };
  const clock = new HandClock();
  const stage = await stageWith(lines, { plugins: { loadcheck: loadcheckPlugin(read) }, clock });
  return { facts, clock, stage };
}

describe('loadcheck', () => {
  it('sends clients away above max_load, not at it', async () => {
    const { facts, clock, stage } = await host('loadcheck max_load 2.5 cache_time 0');
    facts.load = 2.5;
    assert.match((await talkOn(stage)).greeting, /^220 /);
    clock.ms++;
    facts.load = 2.51;
    const refused = await talkOn(stage);
    assert.equal(refused.greeting, '450 4.3.2 the load of this server is too high, try again later');
    assert.equal(refused.isClosed, true);
    assert.ok(stage.takeLog().some((line) => line.endsWith('loadcheck: fail, local load too high: 2.51')));
  });

  it('has a limit of 7, and reads the load every ten seconds, if it is told nothing', async () => {
    const { facts, clock, stage } = await host('loadcheck');
    facts.load = 7;
    assert.match((await talkOn(stage)).greeting, /^220 /);
    facts.load = 8;
    clock.ms = 10_000;
    assert.match((await talkOn(stage)).greeting, /^220 /);
    assert.equal(facts.readings, 1);
    clock.ms = 10_001;
    assert.match((await talkOn(stage)).greeting, /^450 /);
    facts.load = 0;
    clock.ms = 20_001;
    assert.match((await talkOn(stage)).greeting, /^450 /);
    clock.ms = 20_002;
    assert.match((await talkOn(stage)).greeting, /^220 /);
    assert.equal(facts.readings, 3);
  });

  it('has limit and reading of its own on each of its lines', async () => {
    const { facts, clock, stage } = await host(
      'loadcheck max_load 9 cache_time 60',
      'loadcheck:1 max_load 4 cache_time 5',
    );
    assert.match((await talkOn(stage)).greeting, /^220 /);
    facts.load = 5;
    clock.ms = 5001;
    assert.match((await talkOn(stage)).greeting, /^450 /);
    assert.equal(facts.readings, 3);
    assert.ok(stage.takeLog().some((line) => line.endsWith('loadcheck:1: fail, local load too high: 5.00')));
  });

  it('wants a limit above 0', async () => {
    const [finding] = await findingsFor(['loadcheck max_load 0']);
    assert.match(finding?.text ?? '', /0 is less than 0\.01/);
  });
});
