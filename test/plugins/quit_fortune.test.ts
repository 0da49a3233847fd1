import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outputOf, Sayings, sayingLines } from '../../plugins/quit_fortune.ts';

describe('sayingLines', () => {
  it('indents lines, leaves empty ones out, and makes them printable', () => {
    assert.deepEqual(sayingLines('To be\n\n\tor \x07not\r\n'), ['  / To be', '  /   or ?not']);
  });

  it('gives no more than 20 lines, and none for no output', () => {
    assert.equal(sayingLines('x\n'.repeat(50)).length, 20);
    assert.deepEqual(sayingLines('\n'), []);
  });
});

describe('outputOf', () => {
  const node = (script: string, limitMs: number) => outputOf(process.execPath, ['-e', script], limitMs);

  it('gives what the program writes', async () => {
    assert.equal(await node('console.log("hello")', 20_000), 'hello\n');
  });

  it('rejects when the program fails', async () => {
    await assert.rejects(node('process.exit(3)', 20_000), { code: 3 });
  });

  it('rejects when the program writes too much', async () => {
    await assert.rejects(node('console.log("x".repeat(100_000))', 20_000), /maxBuffer/);
  });

  it('kills a program that takes too long', async () => {
    await assert.rejects(node('setInterval(() => {}, 1000)', 200), { killed: true, signal: 'SIGKILL' });
  });
});

describe('Sayings', () => {
  it('fetches at most once a second, and lets what it has come round', async () => {
    let time = 0;
    let fetched = 0;
    const clock = { now: () => new Date(time), monotonic: () => time };
    const sayings = new Sayings(clock, async () => [`saying ${++fetched}`]);
    assert.equal(sayings.next(), null);
    assert.deepEqual(await sayings.first(), ['saying 1']);
    for (let i = 0; i < 100; i++) assert.deepEqual(sayings.next(), ['saying 1']);
    assert.equal(fetched, 1);
    time = 1000;
    sayings.next();
    await sayings.first();
    assert.equal(fetched, 2);
    const heard = new Set([sayings.next(), sayings.next()].flat());
    assert.deepEqual([...heard].sort(), ['saying 1', 'saying 2']);
  });

  it('has none while the program fails, and does not start it again and again', async () => {
    let fetched = 0;
    const sayings = new Sayings({ now: () => new Date(0), monotonic: () => 5000 }, async () => {
      fetched++;
      return null;
    });
    assert.equal(await sayings.first(), null);
    assert.equal(await sayings.first(), null);
    assert.equal(fetched, 1);
  });
});
