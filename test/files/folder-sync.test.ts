import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FolderSync } from '../../src/files/folder-sync.ts';
import { faultyFiles } from '../support/faulty-files.ts';
import { makeFolder } from '../support/maildir-queue.ts';

describe('FolderSync', () => {
  /** Syncs that end, or fail, when the test says so, and which callers have been answered. */
  function gated() {
    const gates: PromiseWithResolvers<void>[] = [];
    const { files, calls } = faultyFiles({
      whenSynced: () => {
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        return gate.promise;
      },
    });
    const sync = new FolderSync(files);
    const answers: string[] = [];
    const ask = (who: string, folder: string) =>
      sync.sync(folder).then(
        () => answers.push(who),
        (error: Error) => answers.push(`${who}: ${error.message}`),
      );
    const syncs = () => calls.filter(({ name }) => name === 'sync').length;
    return { gates, answers, ask, syncs };
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('has those who come during a call wait for one more call, which they share', async () => {
    const folder = makeFolder();
    const { gates, answers, ask, syncs } = gated();
    for (const who of ['a', 'b', 'c']) void ask(who, folder);
    await turn();
    assert.equal(syncs(), 1);
    gates[0]?.resolve();
    await turn();
    assert.deepEqual([answers, syncs()], [['a'], 2]);
    void ask('d', folder);
    gates[1]?.resolve();
    await turn();
    assert.deepEqual([answers, syncs()], [['a', 'b', 'c'], 3]);
    gates[2]?.resolve();
    await turn();
    assert.deepEqual([answers, syncs()], [['a', 'b', 'c', 'd'], 3]);
  });

  it('tells a failure to those who waited for that call only', async () => {
    const folder = makeFolder();
    const { gates, answers, ask } = gated();
    for (const who of ['a', 'b']) void ask(who, folder);
    gates[0]?.reject(new Error('broken'));
    await turn();
    gates[1]?.resolve();
    await turn();
    assert.deepEqual(answers, ['a: broken', 'b']);
  });

  it('syncs different folders side by side', async () => {
    const { gates, answers, ask, syncs } = gated();
    void ask('a', makeFolder());
    void ask('b', makeFolder());
    await turn();
    assert.equal(syncs(), 2);
    gates[1]?.resolve();
    await turn();
    assert.deepEqual(answers, ['b']);
    gates[0]?.resolve();
    await turn();
  });
});
