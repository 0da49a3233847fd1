import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { StoredBody } from '../../src/message/stored-body.ts';

function spool(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-body-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function bodyIn(t: TestContext, threshold: number) {
  const folder = spool(t);
  const body = new StoredBody({ threshold, newPath: () => join(folder, 'body') });
  t.after(() => body.dispose());
  return { body, folder };
}

const inMemoryOnly = () => new StoredBody({ threshold: 1e9, newPath: () => assert.fail('no file is due') });

async function all(body: StoredBody): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

async function linesOf(body: StoredBody): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of body.lines()) lines.push(line);
  return lines;
}

const piece = (length: number, char: string) => Buffer.alloc(length, char);

describe('a body up to size_threshold', () => {
  it('stays in memory and costs no promise', async (t) => {
    const { body, folder } = bodyIn(t, 10);
    assert.equal(body.append([Buffer.from('01234'), Buffer.from('56789')]), undefined);
    assert.equal(body.finish(), undefined);
    assert.equal(Buffer.concat([...(body.inMemory() ?? [])]).toString(), '0123456789');
    assert.equal(await all(body), '0123456789');
    assert.equal(body.size, 10);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('keeps a single small piece without copying it', () => {
    const body = inMemoryOnly();
    const only = Buffer.from('only');
    body.append([only]);
    assert.equal(body.inMemory()?.[0], only);
  });

  it('keeps big pieces without copying them', () => {
    const body = inMemoryOnly();
    const big = [piece(1024, 'a'), piece(5000, 'b')];
    body.append(big);
    assert.deepEqual(body.inMemory(), big);
    assert.equal(body.inMemory()?.[1], big[1]);
  });

  it('is empty when nothing comes', async () => {
    const body = inMemoryOnly();
    assert.equal(body.append([]), undefined);
    assert.deepEqual([body.size, await all(body), await linesOf(body)], [0, '', []]);
  });
});

describe('tiny pieces', () => {
  it('cost a page for many, not a buffer for each', async () => {
    const body = inMemoryOnly();
    let expected = '';
    for (let at = 0; at < 20_000; at++) {
      const char = String.fromCharCode(97 + (at % 26));
      expected += char;
      body.append([Buffer.from(char)]);
    }
    assert.equal(body.inMemory()?.length, 1 + Math.ceil(19_999 / 8192));
    assert.equal(await all(body), expected);
  });

  it('between big ones do not cost a page each', async () => {
    const body = inMemoryOnly();
    let expected = '';
    for (let at = 0; at < 100; at++) {
      const char = String.fromCharCode(97 + (at % 26));
      expected += char + char.repeat(1024);
      body.append([Buffer.from(char), piece(1024, char)]);
    }
    assert.equal(await all(body), expected);
    const tiny = (body.inMemory() ?? []).slice(1).filter((each) => each.length === 1);
    assert.equal(tiny.length, 99);
    // Neighbours on one page: each begins where the one before it ended.
    const [first, second] = tiny;
    assert.equal(first?.buffer, second?.buffer);
    assert.equal((second?.byteOffset ?? 0) - (first?.byteOffset ?? 0), 1);
  });

  it('never overwrite each other where sizes vary around the edges of pages', async () => {
    const body = inMemoryOnly();
    let expected = '';
    const sizes = [
      1023, 1, 1024, 8191, 1, 500, 0, 1023, 1023, 1023, 1023, 1023, 1023, 1023, 1023, 4, 1024, 7,
    ];
    for (const [at, size] of sizes.entries()) {
      const char = String.fromCharCode(65 + at);
      expected += char.repeat(size);
      body.append([piece(size, char)]);
    }
    assert.equal(await all(body), expected);
    assert.equal(body.size, expected.length);
  });
});

describe('a body above size_threshold', () => {
  it('goes to a file that has no name any more', async (t) => {
    const { body, folder } = bodyIn(t, 10);
    body.append([Buffer.from('0123456789')]);
    await body.append([Buffer.from('X')]);
    assert.equal(body.inMemory(), null);
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(await all(body), '0123456789X');
  });

  it('waits in memory for enough to write, and is whole after finish', async (t) => {
    const { body } = bodyIn(t, 0);
    await body.append([Buffer.from('a')]);
    assert.equal(body.append([piece(512 * 1024, 'b')]), undefined);
    const written = body.append([Buffer.from('c')]);
    assert.equal(written instanceof Promise, true);
    await written;
    assert.equal(body.append([Buffer.from('d')]), undefined);
    await body.finish();
    assert.equal(await all(body), `a${'b'.repeat(512 * 1024)}cd`);
    assert.equal(body.size, 512 * 1024 + 3);
  });

  it('gives buffers back that it has written, but none of which somebody may hold the rest', async (t) => {
    const { body } = bodyIn(t, 0);
    const own = piece(64 * 1024, 'a');
    const shared = piece(64 * 1024, 'b');
    await body.append([own, shared.subarray(0, 60 * 1024)]);
    assert.equal(own.length, 0);
    assert.equal(shared.toString('latin1', 60 * 1024), 'b'.repeat(4 * 1024));
    assert.equal(await all(body), 'a'.repeat(64 * 1024) + 'b'.repeat(60 * 1024));
  });

  it('is whole before finish too', async (t) => {
    const { body } = bodyIn(t, 0);
    await body.append([Buffer.from('file')]);
    body.append([Buffer.from(' and memory')]);
    assert.equal(await all(body), 'file and memory');
  });

  it('can be read any number of times, also at once', async (t) => {
    const { body } = bodyIn(t, 0);
    const text = 'line\r\n'.repeat(100_000);
    await body.append([Buffer.from(text)]);
    await body.finish();
    assert.equal(await all(body), text);
    const [one, other] = await Promise.all([all(body), all(body)]);
    assert.deepEqual([one === text, other === text], [true, true]);
  });

  it('takes tiny pieces of every size', async (t) => {
    const { body } = bodyIn(t, 100);
    let expected = '';
    for (let at = 0; at < 3000; at++) {
      const text = String.fromCharCode(97 + (at % 26)).repeat(at % 7);
      expected += text;
      await body.append([Buffer.from(text)]);
    }
    await body.finish();
    assert.equal(await all(body), expected);
  });

  it('makes no file of nothing with a threshold of 0', async (t) => {
    const { body } = bodyIn(t, 0);
    assert.equal(body.append([]), undefined);
    assert.equal(body.finish(), undefined);
    assert.deepEqual(body.inMemory(), []);
  });

  it('says so when the spool cannot be written', async () => {
    const body = new StoredBody({
      threshold: 0,
      newPath: () => join(tmpdir(), 'qpsmtpd-none', 'no', 'body'),
    });
    await assert.rejects(async () => body.append([Buffer.from('x')]), { code: 'ENOENT' });
    await body.dispose();
  });

  it('never writes to a file that was there', async (t) => {
    const { body, folder } = bodyIn(t, 0);
    writeFileSync(join(folder, 'body'), 'of somebody else');
    await assert.rejects(async () => body.append([Buffer.from('x')]), { code: 'EEXIST' });
  });

  it('closes the file when it is disposed of, and may be twice', async (t) => {
    const { body } = bodyIn(t, 0);
    await body.append([Buffer.from('x')]);
    const chunks = body.chunks()[Symbol.asyncIterator]();
    await body.dispose();
    await body.dispose();
    assert.deepEqual(body.inMemory(), []);
    assert.equal((await chunks.next()).done, true);
  });
});

describe('lines', () => {
  it('come without their ends, whichever they are', async () => {
    const body = inMemoryOnly();
    body.append([Buffer.from('a\r\nb\n\r\nc\rd\r\r\n\xff', 'latin1')]);
    assert.deepEqual(await linesOf(body), ['a', 'b', '', 'c\rd\r', '\xff']);
  });

  it('are the same wherever the pieces are cut', async () => {
    const text = 'a\r\nbb\n\nccc\r\n';
    for (let cut = 0; cut <= text.length; cut++) {
      const body = inMemoryOnly();
      body.append([
        Buffer.from(text.slice(0, cut)),
        Buffer.from(text.slice(cut)),
        piece(2000, 'x'),
        Buffer.from('y\n'),
      ]);
      assert.deepEqual(await linesOf(body), ['a', 'bb', '', 'ccc', `${'x'.repeat(2000)}y`]);
    }
  });

  it('may be longer than what is read at once', async (t) => {
    const { body } = bodyIn(t, 0);
    const long = 'x'.repeat(700_000);
    await body.append([Buffer.from(`first\r\n${long}\r\nlast`)]);
    await body.finish();
    assert.deepEqual(await linesOf(body), ['first', long, 'last']);
  });
});
