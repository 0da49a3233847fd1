// The disk that can crash: what a fsync promises and what it does not. Tests of durability stand on it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CrashDisk, filesOn } from './crash-disk.ts';
import type { DiskState } from './disk-state.ts';
import { seededRandom } from './mail-load.ts';

const random = seededRandom(1);
const makeDisk = () => new CrashDisk({ random: seededRandom(1) });
const shown = (state: DiskState) =>
  Object.fromEntries([...filesOn(state)].sort().map(([path, text]) => [path, `${text}`]));
const worst = ({ state }: CrashDisk) => shown(state.afterPowerLoss(() => false, random));
const best = ({ state }: CrashDisk) =>
  shown(
    state.afterPowerLoss(
      () => true,
      () => 0,
    ),
  );

function write(disk: CrashDisk, path: string, text: string): number {
  const fd = disk.open(path, { create: true });
  disk.write(fd, [Buffer.from(text)]);
  return fd;
}

async function syncFolder(disk: CrashDisk, path: string): Promise<void> {
  const fd = disk.openFolder(path);
  await disk.sync(fd);
  disk.close(fd);
}

describe('the loss of power', () => {
  it('leaves nothing for sure of what was not synced', async () => {
    const disk = makeDisk();
    write(disk, '/a', 'text');
    assert.deepEqual(worst(disk), {});
    assert.deepEqual(best(disk), { '/a': 'text' });
    await syncFolder(disk, '/');
    assert.deepEqual(worst(disk), { '/a': '' });
  });

  it('leaves the content of a file as of its fsync, once its name is on disk', async () => {
    const disk = makeDisk();
    const fd = write(disk, '/a', 'one');
    await disk.sync(fd);
    assert.deepEqual(worst(disk), {});
    await syncFolder(disk, '/');
    disk.write(fd, [Buffer.from(' two')]);
    assert.deepEqual(worst(disk), { '/a': 'one' });
    await disk.sync(fd);
    assert.deepEqual(worst(disk), { '/a': 'one two' });
  });

  it('may leave a part of what was written, or zeros in it', () => {
    const disk = makeDisk();
    write(disk, '/a', 'text');
    const found = new Set<string | undefined>();
    for (let count = 0; count < 200; count++) {
      found.add(shown(disk.state.afterPowerLoss(() => random() < 0.9, random))['/a']);
    }
    for (const content of [undefined, '', 'te', 'text', '\0\0\0\0'])
      assert.ok(found.has(content), String(content));
  });

  it('may leave changes of a folder in any order, those of one name in theirs', async () => {
    const disk = makeDisk();
    for (const name of ['/a', '/b']) await disk.sync(write(disk, name, name));
    disk.remove('/a');
    disk.link('/b', '/a');
    const found = new Set<string>();
    for (let count = 0; count < 200; count++) {
      found.add(JSON.stringify(shown(disk.state.afterPowerLoss(() => random() < 0.5, random))));
    }
    assert.deepEqual(
      [...found].sort(),
      [
        '{"/a":"/a"}',
        '{"/a":"/b"}',
        '{"/a":"/b","/b":"/b"}',
        '{"/b":"/b"}',
        '{"/a":"/a","/b":"/b"}',
        '{}',
      ].sort(),
    );
  });

  it('never leaves one half of a rename', async () => {
    const disk = makeDisk();
    disk.makeFolder('/one');
    disk.makeFolder('/two');
    await disk.sync(write(disk, '/one/a', 'text'));
    for (const folder of ['/', '/one']) await syncFolder(disk, folder);
    disk.rename('/one/a', '/two/b');
    assert.deepEqual(worst(disk), { '/one/a': 'text' });
    assert.deepEqual(best(disk), { '/two/b': 'text' });
    await syncFolder(disk, '/two');
    assert.deepEqual(worst(disk), { '/two/b': 'text' });
  });

  it('takes a folder with all in it whose own name was not synced', async () => {
    const disk = makeDisk();
    disk.makeFolder('/one');
    await disk.sync(write(disk, '/one/a', 'text'));
    await syncFolder(disk, '/one');
    assert.deepEqual(worst(disk), {});
    await syncFolder(disk, '/');
    assert.deepEqual(worst(disk), { '/one/a': 'text' });
  });

  it('is survived by nothing that came while a fsync was under way', async () => {
    const disk = makeDisk();
    const fd = write(disk, '/a', 'one');
    const folder = disk.openFolder('/');
    const syncs = Promise.all([disk.sync(fd), disk.sync(folder)]);
    disk.write(fd, [Buffer.from(' two')]);
    write(disk, '/b', 'late');
    await syncs;
    assert.deepEqual(worst(disk), { '/a': 'one' });
  });
});

describe('kill -9', () => {
  it('leaves everything that was done, and what of it is not on disk is not there for sure', async () => {
    const disk = makeDisk();
    await disk.sync(write(disk, '/a', 'text'));
    const copy = disk.state.copy();
    disk.remove('/a');
    assert.deepEqual(shown(copy), { '/a': 'text' });
    const next = new CrashDisk({ random, state: copy });
    assert.deepEqual(worst(next), {});
    await syncFolder(next, '/');
    assert.deepEqual(worst(next), { '/a': 'text' });
  });
});

describe('its calls', () => {
  it('fail as those of Linux do', () => {
    const disk = makeDisk();
    const code = (act: () => unknown, expected: string) => assert.throws(act, { code: expected });
    const fd = write(disk, '/a', 'text');
    disk.makeFolder('/folder');
    code(() => disk.open('/a', { create: true, exclusive: true }), 'EEXIST');
    code(() => disk.open('/b'), 'ENOENT');
    code(() => disk.open('/nowhere/b', { create: true }), 'ENOENT');
    code(() => disk.open('/a/b', { create: true }), 'ENOTDIR');
    code(() => disk.link('/a', '/folder'), 'EEXIST');
    code(() => disk.link('/b', '/c'), 'ENOENT');
    code(() => disk.remove('/b'), 'ENOENT');
    code(() => disk.remove('/folder'), 'EISDIR');
    code(() => disk.makeFolder('/a'), 'EEXIST');
    code(() => disk.openFolder('/a'), 'ENOTDIR');
    code(() => disk.readFile('/folder'), 'EISDIR');
    disk.close(fd);
    code(() => disk.write(fd, []), 'EBADF');
    assert.equal(disk.openCount, 0);
  });

  it('fail when they are told to, and then change nothing but what is open', () => {
    const disk = new CrashDisk({ random, fail: ({ name }) => (name === 'open' ? null : 'EIO') });
    const fd = disk.open('/a', { create: true });
    assert.throws(() => disk.write(fd, [Buffer.from('x')]), { code: 'EIO' });
    assert.throws(() => disk.link('/a', '/b'), { code: 'EIO' });
    assert.throws(() => disk.close(fd), { code: 'EIO' });
    assert.deepEqual(shown(disk.state), { '/a': '' });
    assert.equal(disk.openCount, 0);
  });

  it('are steps, and a write is two', () => {
    const steps: string[] = [];
    const disk = new CrashDisk({
      random,
      onStep: ({ name }) => steps.push(`${name} ${JSON.stringify(shown(disk.state))}`),
    });
    write(disk, '/a', 'text');
    assert.deepEqual(steps, ['open {"/a":""}', 'write {"/a":"te"}', 'write {"/a":"text"}']);
  });
});
