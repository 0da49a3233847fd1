import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { StderrWriter } from '../../src/log/stderr-writer.ts';

/** A pipe that takes so much and no more. */
class Pipe {
  room: number = Infinity;
  calls = 0;
  broken = false;
  #taken: Buffer[] = [];

  readonly write = (_fd: number, bytes: Buffer): number => {
    this.calls++;
    if (this.broken) throw Object.assign(new Error('nobody reads'), { code: 'EPIPE' });
    if (this.room === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
    const count = Math.min(this.room, bytes.length);
    this.room -= count;
    this.#taken.push(Buffer.from(bytes.subarray(0, count)));
    return count;
  };

  text(): string {
    return Buffer.concat(this.#taken).toString('latin1');
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('standard error', () => {
  it('gets the lines of one turn in one write', async () => {
    const pipe = new Pipe();
    const writer = new StderrWriter(2, pipe.write);
    for (const line of ['one', 'two', 'three']) writer.write(line);
    assert.equal(pipe.calls, 0);
    await nextTurn();
    assert.deepEqual([pipe.calls, pipe.text()], [1, 'one\ntwo\nthree\n']);
    writer.write('four');
    await nextTurn();
    assert.equal(pipe.text(), 'one\ntwo\nthree\nfour\n');
  });

  it('gets what waits at once on flush, and nothing twice', async () => {
    const pipe = new Pipe();
    const writer = new StderrWriter(2, pipe.write);
    writer.write('last words');
    writer.flush();
    assert.equal(pipe.text(), 'last words\n');
    await nextTurn();
    writer.flush();
    assert.deepEqual([pipe.text(), pipe.calls], ['last words\n', 1]);
  });

  it('is a file descriptor', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-stderr-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const fd = openSync(join(folder, 'log'), 'w');
    t.after(() => closeSync(fd));
    const writer = new StderrWriter(fd);
    writer.write('to the file');
    writer.flush();
    assert.equal(readFileSync(join(folder, 'log'), 'latin1'), 'to the file\n');
  });

  it('gets no line that was not written as one', () => {
    const pipe = new Pipe();
    const writer = new StderrWriter(2, pipe.write);
    writer.write('one\n7 forged \u010a8 forged\x1b');
    writer.flush();
    assert.equal(pipe.text(), 'one\\x0a7 forged \\u{10a}8 forged\\x1b\n');
  });
});

describe('a full pipe', () => {
  it('gets the rest later, in order, from where it stopped', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
    const pipe = new Pipe();
    pipe.room = 5;
    const writer = new StderrWriter(2, pipe.write);
    writer.write('0123456789');
    writer.flush();
    writer.write('next');
    assert.equal(pipe.text(), '01234');
    t.mock.timers.tick(20);
    assert.equal(pipe.text(), '01234');
    pipe.room = Infinity;
    t.mock.timers.tick(20);
    assert.equal(pipe.text(), '0123456789\nnext\n');
  });

  it('loses lines above a megabyte, and is told how many once there is room', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
    const pipe = new Pipe();
    pipe.room = 0;
    const writer = new StderrWriter(2, pipe.write);
    const line = 'x'.repeat(1023);
    for (let at = 0; at < 1030; at++) writer.write(line);
    writer.flush();
    // However long the reader is stuck.
    for (let at = 0; at < 500; at++) t.mock.timers.tick(20);
    pipe.room = Infinity;
    t.mock.timers.tick(20);
    writer.write('later');
    writer.flush();
    const lines = pipe.text().split('\n');
    assert.deepEqual(lines.slice(1025), [
      '5 log lines were lost: standard error did not take them in time',
      'later',
      '',
    ]);
    assert.equal(
      lines.slice(0, 1025).every((each) => each === line),
      true,
    );
  });

  it('is told of the loss at its place as soon as there is room again', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
    const pipe = new Pipe();
    pipe.room = 0;
    const writer = new StderrWriter(2, pipe.write);
    for (let at = 0; at < 1026; at++) writer.write('x'.repeat(1023));
    pipe.room = 65_536;
    writer.flush();
    writer.write('after the loss');
    pipe.room = Infinity;
    t.mock.timers.tick(20);
    assert.match(pipe.text(), /x\n1 log lines were lost: .*\nafter the loss\n$/);
  });

  it('that nobody reads any more loses its lines without harm', () => {
    const pipe = new Pipe();
    pipe.broken = true;
    const writer = new StderrWriter(2, pipe.write);
    writer.write('unheard');
    writer.flush();
    pipe.broken = false;
    writer.write('heard');
    writer.flush();
    assert.equal(pipe.text(), 'heard\n');
  });
});
