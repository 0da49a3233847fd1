import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NoteCells } from '../../src/message/notes.ts';

describe('notes', () => {
  it('are empty until set', () => {
    const notes = new NoteCells<{ a: string; b: number }>();
    assert.deepEqual([notes.get('a'), notes.has('a'), [...notes.entries()]], [undefined, false, []]);
    notes.delete('a');
  });

  it('keep what was set last', () => {
    const notes = new NoteCells<{ a: string; b: number }>();
    notes.set('a', 'x');
    notes.set('a', 'y');
    notes.set('b', 0);
    assert.deepEqual([notes.get('a'), notes.get('b'), notes.has('b')], ['y', 0, true]);
    assert.deepEqual(
      [...notes.entries()],
      [
        ['a', 'y'],
        ['b', 0],
      ],
    );
    notes.delete('a');
    assert.deepEqual([notes.get('a'), notes.has('a')], [undefined, false]);
  });

  it('know a note that is set to undefined', () => {
    const notes = new NoteCells<{ a: string | undefined }>();
    notes.set('a', undefined);
    assert.equal(notes.has('a'), true);
  });

  it('have no notes that nobody set', () => {
    const notes = new NoteCells<Record<string, unknown>>();
    notes.set('x', 1);
    assert.deepEqual([notes.get('constructor'), notes.has('__proto__')], [undefined, false]);
  });
});
