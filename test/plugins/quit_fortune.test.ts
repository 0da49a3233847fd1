import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outputOf, sayingLines } from '../../plugins/quit_fortune.ts';

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
  const never = new AbortController().signal;
  const node = (script: string, limitMs: number) =>
    outputOf(process.execPath, ['-e', script], limitMs, never);

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
