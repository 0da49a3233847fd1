import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientsByDescriptors, memoryFigures, Overload } from '../../src/server/overload.ts';

const GIB = 2 ** 30;
const ROOMY = { heapUsed: 0, heapLimit: 4 * GIB, resident: 0, available: 8 * GIB };

function overload(most: number) {
  const logged: string[] = [];
  const memory = { figures: ROOMY };
  let hurried = 0;
  const watched = new Overload({
    most,
    memory: () => memory.figures,
    log: (level, text) => logged.push(`${level}: ${text}`),
    onStress: () => {
      hurried++;
    },
  });
  const sample = (figures: typeof ROOMY) => {
    memory.figures = figures;
    for (let sweeps = 0; sweeps < 4; sweeps++) watched.sweep();
  };
  return { watched, logged, sample, hurried: () => hurried };
}

describe('stress', () => {
  it('begins with four fifths of the places taken, and is over below seven tenths', () => {
    const { watched, logged, hurried } = overload(100);
    watched.note(79);
    assert.equal(watched.isStressed, false);
    watched.note(80);
    assert.equal(watched.isStressed, true);
    for (const total of [81, 75, 70, 90]) watched.note(total);
    assert.equal(watched.isStressed, true);
    watched.note(69);
    assert.equal(watched.isStressed, false);
    assert.deepEqual(logged, [
      'warn: stress begins, 80 of 100 places are taken: clients are given little time',
      'warn: stress is over, 69 of 100 places are taken',
    ]);
    assert.equal(hurried(), 1);
  });

  it('is nothing for a server without a limit, or of a few places', () => {
    for (const most of [0, 9]) {
      const { watched, logged } = overload(most);
      for (const total of [1, 8, 9, 100_000]) watched.note(total);
      assert.equal(watched.isStressed, false);
      assert.deepEqual(logged, []);
    }
  });
});

describe('clients that are turned away', () => {
  it('are logged once when it begins, and once with their number when it is over', () => {
    const { watched, logged } = overload(8);
    for (let total = 9; total < 500; total++) {
      watched.note(total);
      watched.turnAway();
      watched.note(8);
    }
    assert.deepEqual(logged, ['warn: fail, all 8 places are taken: new clients are turned away']);
    watched.note(7);
    assert.equal(logged.at(-1), 'warn: there is room again, 491 clients were turned away');
    watched.turnAway();
    watched.note(7);
    assert.equal(logged.at(-1), 'warn: there is room again, 1 clients were turned away');
  });
});

describe('memory', () => {
  for (const [what, figures] of [
    ['heap', { ...ROOMY, heapUsed: 3.7 * GIB }],
    ['process', { ...ROOMY, resident: 7.3 * GIB }],
  ] as const) {
    it(`is short when nine tenths are used: ${what}`, () => {
      const { watched, logged, sample } = overload(100);
      sample(ROOMY);
      assert.equal(watched.isShortOfMemory, false);
      sample(figures);
      assert.equal(watched.isShortOfMemory, true);
      assert.match(
        logged[0] ?? '',
        new RegExp(`^crit: error, memory is short \\(.*${what} [1-9]\\d* MiB of`),
      );
      watched.turnAway();
      watched.turnAway();
      sample({ ...figures, heapUsed: 3.5 * GIB, resident: 7 * GIB });
      assert.equal(watched.isShortOfMemory, true, 'it is short until there is clearly enough');
      sample(ROOMY);
      assert.equal(watched.isShortOfMemory, false);
      assert.deepEqual(logged.slice(1), ['warn: there is memory again, 2 clients were turned away']);
    });
  }

  it('is asked for once in four sweeps', () => {
    let asked = 0;
    const memory = () => {
      asked++;
      return ROOMY;
    };
    const watched = new Overload({ most: 0, memory, log: () => {}, onStress: () => {} });
    for (let sweeps = 0; sweeps < 40; sweeps++) watched.sweep();
    assert.equal(asked, 10);
  });

  it('of this process is known', () => {
    const { heapUsed, heapLimit, resident, available } = memoryFigures();
    assert.ok(heapUsed > 0 && heapUsed < heapLimit);
    assert.ok(resident > 0 && resident < available);
  });
});

describe('clientsByDescriptors', () => {
  const limits = (soft: string) =>
    `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                 1048576              files\n`;

  it('has two for each client, and some besides', () => {
    assert.equal(clientsByDescriptors(limits('1024')), 462);
    assert.equal(clientsByDescriptors(limits('1048576')), 524_238);
  });

  it('has one client at least', () => assert.equal(clientsByDescriptors(limits('64')), 1));

  it('does not know where the system does not say', () => {
    assert.equal(clientsByDescriptors(null), null);
    assert.equal(clientsByDescriptors(limits('unlimited')), null);
  });

  it('knows the limit of this process', () => {
    const clients = clientsByDescriptors();
    if (process.platform === 'linux') assert.ok(clients !== null && clients >= 1);
  });
});
