// A fuzzer that finds nothing may be blind: these plant what it has to find.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { readData } from './support/data-model.ts';
import { fuzz, type Limits } from './support/fuzz.ts';
import { Mutator } from './support/mutator.ts';
import { cut, Random } from './support/random.ts';
import { followConversation, readReplies } from './support/reply-model.ts';
import type { Fuzzer, Target } from './support/target.ts';
import { targets } from './targets.ts';

const limits: Limits = { seed: 1, executions: 20_000, ms: 60_000, slowest: 1000, growth: 1 << 20 };

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(dir, { recursive: true }));
  return dir;
}

function target(run: Fuzzer['run']): Target {
  const mutator = new Mutator(['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>'], ['<', '>', '\0', '\r\n']);
  return { name: 'planted', promise: '', open: () => ({ make: (random) => mutator.make(random), run }) };
}

describe('fuzz', () => {
  it('finds a broken promise, makes the case small, and keeps it', async () => {
    const corpus = folder();
    const planted = target((input) => {
      if (/<.*\0.*>/s.test(input.toString('latin1'))) throw new Error('planted');
    });
    const { failure, executions } = await fuzz(planted, limits, corpus);
    assert.match(failure?.why ?? '', /planted/);
    assert.match(failure?.where ?? '', /^seed 1, case \d+$/);
    assert.equal(failure?.input.toString('latin1'), '<\0>');
    const [name = ''] = readdirSync(join(corpus, 'planted'));
    assert.equal(readFileSync(join(corpus, 'planted', name), 'latin1'), '<\0>');

    const again = await fuzz(planted, limits, corpus);
    assert.equal(again.failure?.where, `kept case ${name}`);
    assert.equal(again.executions, 1);
    assert.ok(executions > 1);
  });

  it('finds one in what goes on after a promise', async () => {
    const planted = target(async (input) => {
      await null;
      if (input.includes('><')) throw new Error('planted');
    });
    assert.match((await fuzz(planted, limits, folder())).failure?.why ?? '', /planted/);
  });

  it('tells a case that is slow every time, and not one that was slow once', async () => {
    const wait = (ms: number) => {
      for (const end = performance.now() + ms; performance.now() < end; );
    };
    const slow = target((input) => wait(input.includes('>>') ? 30 : 0));
    const { failure } = await fuzz(slow, { ...limits, slowest: 20, executions: 5000 }, folder());
    assert.match(failure?.why ?? '', /^it takes \d+ ms$/);

    let times = 0;
    const once = target(() => wait(times++ === 50 ? 300 : 0));
    const { failure: none } = await fuzz(once, { ...limits, executions: 500, slowest: 200 }, folder());
    assert.equal(none, null);
  });

  it('plays the kept cases first and is content when all is well', async () => {
    const corpus = folder();
    mkdirSync(join(corpus, 'planted'));
    writeFileSync(join(corpus, 'planted', 'a'), 'kept');
    const seen: string[] = [];
    const planted = target((input) => void seen.push(input.toString('latin1')));
    const { failure, executions } = await fuzz(planted, { ...limits, executions: 100 }, corpus);
    assert.equal(failure, null);
    assert.equal(executions, 100);
    assert.equal(seen[0], 'kept');
    assert.ok(new Set(seen).size > 80);
  });

  it('makes the same cases of the same seed', () => {
    const mutator = new Mutator(['MAIL FROM:<a@a.example>'], ['<', '>']);
    const cases = (seed: number) =>
      Array.from({ length: 200 }, (_, number) => mutator.make(new Random(seed, number)).toString('latin1'));
    assert.deepEqual(cases(1), cases(1));
    assert.notDeepEqual(cases(1), cases(2));
  });

  it('cuts octets into pieces that are together what they were', () => {
    const octets = Buffer.from('abcdefgh'.repeat(50));
    for (let seed = 0; seed < 50; seed++) {
      const pieces = cut(octets, new Random(seed));
      assert.ok(Buffer.concat(pieces).equals(octets));
      assert.ok(pieces.every((piece) => piece.length > 0));
    }
  });

  it('knows its targets apart', () => {
    assert.equal(new Set(targets.map(({ name }) => name)).size, targets.length);
    const kept = readdirSync(join(import.meta.dirname, 'corpus'));
    for (const name of kept)
      assert.ok(
        targets.some((each) => each.name === name),
        name,
      );
  });
});

describe('the models', () => {
  it('of DATA: the end mark, stuffed dots and smuggling', () => {
    assert.deepEqual(readData('a\r\n..b\r\n.\r\nrest'), { state: 'end', message: 'a\r\n.b\r\n', length: 11 });
    assert.equal(readData('.\r\n').state, 'end');
    assert.equal(readData('a\n.\r\n').state, 'smuggling');
    assert.equal(readData('a\r\n.\r').state, 'more');
    assert.equal(readData('a\r.b\n.c').message, 'a\r.b\nc');
  });

  const said = '220 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n250 f\r\n221 g\r\n';
  const sent = 'EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n';
  it('of a conversation: follows a good one', () => {
    assert.deepEqual(followConversation(sent, said, { lmtp: false }).taken, ['x\r\n']);
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['a reply too few', said.replace('250 c\r\n', ''), /reply 354/],
    ['a reply too many', said.replace('221', '250 h\r\n221'), /more replies/],
    ['no reply to a message', said.replace('250 f\r\n', ''), /reply 221/],
    ['octets that are not ASCII', said.replace('c', '\xe9'), /did not match/],
    ['a bare line feed', said.replace('c\r', 'c'), /did not match/],
    ['two codes in one reply', said.replace('250 c', '250-c\r\n251 c'), /two codes/],
    ['a reply without its end', said.slice(0, -2), /without its end/],
    ['a line that is too long', said.replace('c', 'c'.repeat(507)), /did not match/],
  ];
  for (const [what, reply, why] of wrong) {
    it(`of a conversation: sees ${what}`, () => {
      assert.throws(() => followConversation(sent, reply, { lmtp: false }), why);
    });
  }

  it('of replies: reads what has several lines', () => {
    assert.deepEqual(
      readReplies('250-a\r\n250 b\r\n').map(({ lines }) => lines.length),
      [2],
    );
  });
});
