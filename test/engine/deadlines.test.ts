import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Deadlines } from '../../src/engine/deadlines.ts';
import { HandClock } from './support.ts';

function start() {
  const clock = new HandClock();
  const deadlines = new Deadlines(clock);
  const fired: string[] = [];
  const set = (ms: number, name: string) => deadlines.set(ms, () => fired.push(name));
  const pass = (ms: number) => {
    clock.time += ms;
    deadlines.sweep();
  };
  return { deadlines, fired, set, pass, stop: () => deadlines.stop() };
}

describe('deadlines', () => {
  it('fire once, when their time is over', (t) => {
    const { fired, set, pass, stop } = start();
    t.after(stop);
    set(1000, 'one');
    set(2000, 'two');
    pass(999);
    assert.deepEqual(fired, []);
    pass(1);
    pass(0);
    assert.deepEqual(fired, ['one']);
    pass(5000);
    assert.deepEqual(fired, ['one', 'two']);
  });

  it('do not fire once they are cancelled, even by one that fires in the same sweep', (t) => {
    const { deadlines, fired, set, pass, stop } = start();
    t.after(stop);
    deadlines.cancel(set(10, 'early'));
    deadlines.set(10, () => deadlines.cancel(second));
    const second = set(10, 'second');
    pass(10);
    assert.deepEqual(fired, []);
  });

  it('can be shortened, never made longer', (t) => {
    const { deadlines, fired, set, pass, stop } = start();
    t.after(stop);
    deadlines.shorten(set(1000, 'long'), 100);
    deadlines.shorten(set(50, 'short'), 100);
    assert.equal(deadlines.size, 2);
    pass(50);
    assert.deepEqual(fired, ['short']);
    pass(50);
    assert.deepEqual(fired, ['short', 'long']);
    assert.equal(deadlines.size, 0);
  });

  it('may set others while they fire', (t) => {
    const { deadlines, fired, set, pass, stop } = start();
    t.after(stop);
    deadlines.set(10, () => set(10, 'next'));
    pass(10);
    assert.deepEqual(fired, []);
    pass(10);
    assert.deepEqual(fired, ['next']);
  });

  it('are swept by a timer that runs only while it is needed', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const clock = new HandClock();
    const deadlines = new Deadlines(clock);
    const fired: string[] = [];
    const tick = () => {
      clock.time += 250;
      t.mock.timers.tick(250);
    };
    for (const name of ['first', 'again']) {
      deadlines.set(300, () => fired.push(name));
      tick();
      assert.equal(fired.includes(name), false);
      tick();
      assert.equal(fired.at(-1), name);
      const readings = clock.readings;
      tick();
      assert.equal(clock.readings, readings);
    }
  });
});

describe('who watches the sweeps', () => {
  it('is told how late each is', (t) => {
    const { deadlines, pass, stop } = start();
    t.after(stop);
    const late: number[] = [];
    deadlines.onSweep((ms) => late.push(ms));
    pass(250);
    pass(1250);
    pass(100);
    assert.deepEqual(late, [0, 1000, 0]);
  });

  it('may stop watching', (t) => {
    const { deadlines, pass, stop } = start();
    t.after(stop);
    const late: number[] = [];
    const unwatch = deadlines.onSweep((ms) => late.push(ms));
    pass(250);
    unwatch();
    pass(250);
    assert.deepEqual(late, [0]);
  });
});
