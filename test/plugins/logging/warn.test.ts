import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AtAnywhere, Host, LogEntry, LogLevel } from 'qpsmtpd';
import warn from '../../../plugins/logging/warn.ts';

const entry: LogEntry = {
  level: 'info',
  text: 'pass',
  plugin: 'relay',
  hook: 'connect',
  id: '99.1',
  time: new Date(0),
};

async function written(entries: readonly LogEntry[], level: LogLevel): Promise<string[]> {
  const lines: string[] = [];
  const host: Partial<Host> = {
    id: 'logging/warn',
    options: { level },
    stderr: (line) => void lines.push(line),
  };
  const { logging } = await warn.setup(host as Parameters<typeof warn.setup>[0]);
  assert.ok(logging && 'upTo' in logging);
  assert.equal(logging.upTo, level);
  for (const one of entries) logging.handler({} as AtAnywhere, one);
  return lines;
}

describe('logging/warn', () => {
  it('writes entries in the shape of qpsmtpd, and none of its own', async () => {
    const own = { ...entry, plugin: 'logging/warn' };
    assert.deepEqual(await written([entry, own], 'info'), ['99.1 (connect) relay: pass']);
  });

  const level = warn.options?.level;
  assert.ok(level);
  for (const [word, read] of [
    ['6', 'info'],
    ['12', 'debug'],
    ['LOGINFO', 'info'],
    ['notice', 'notice'],
  ] as const) {
    it(`reads the level ${word}`, () => assert.equal(level.parse(word), read));
  }

  it('refuses what is no level', () => {
    assert.throws(() => level.parse('loud'), { message: '"loud" is not a log level' });
  });
});
