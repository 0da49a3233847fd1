import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ParentEntry, ParentLog, type Scribe } from '../../src/server/parent-log.ts';

class Worker implements Scribe {
  readonly entries: ParentEntry[] = [];

  get texts(): string[] {
    return this.entries.map(({ text }) => text);
  }

  write(entry: ParentEntry): void {
    this.entries.push(entry);
  }
}

function makeLog({ isMute = false } = {}) {
  const stderr: string[] = [];
  const log = new ParentLog<Worker>((level, text) => void stderr.push(`${level} ${text}`), isMute);
  return { log, stderr };
}

describe('the log of a parent', () => {
  it('goes to standard error without a worker that can write it', () => {
    const { log, stderr } = makeLog();
    log.write('error', 'alone');
    const late = new Worker();
    log.enter(late);
    assert.deepEqual(stderr, ['error alone']);
    assert.deepEqual(late.texts, []);
  });

  it('goes to one worker, the youngest, and nowhere else', () => {
    const { log, stderr } = makeLog();
    const [old, young] = [new Worker(), new Worker()];
    log.enter(old);
    log.enter(young);
    log.write('notice', 'for one');
    assert.deepEqual([old.texts, young.texts, stderr], [[], ['for one'], []]);
  });

  it('is told anew where a worker dies with what it has not confirmed', () => {
    const { log, stderr } = makeLog();
    const [old, young] = [new Worker(), new Worker()];
    log.enter(old);
    log.enter(young);
    log.write('error', 'written');
    log.write('error', 'perhaps');
    log.confirm(young, young.entries[0]?.serial ?? 0);
    log.leave(young);
    assert.deepEqual(old.texts, ['perhaps']);
    log.leave(old);
    assert.deepEqual(stderr, ['error perhaps']);
  });

  it('is kept for the next worker where standard error leads nowhere, but not without end', () => {
    const { log } = makeLog({ isMute: true });
    for (let at = 0; at < 150; at++) log.write('error', String(at));
    const worker = new Worker();
    log.enter(worker);
    assert.deepEqual([worker.texts.length, worker.texts[0], worker.texts.at(-1)], [100, '50', '149']);
    const next = new Worker();
    log.confirm(worker, worker.entries.at(-1)?.serial ?? 0);
    log.leave(worker);
    log.enter(next);
    assert.deepEqual(next.texts, []);
  });
});
