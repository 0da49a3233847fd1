// What goes into a program that takes a message, and what comes out of it.

import type { Readable, Writable } from 'node:stream';

export type Input = AsyncIterable<Buffer> | Iterable<Buffer>;

export type Stream = Readable | Writable | null | undefined;

const MOST_OUTPUT = 4096;

/**
 * Writes the input, then the envelope to descriptor 1 if there is one. Tells whether the program has taken all of it.
 *
 * @throws what the input throws: the program must then not be left to itself
 */
export async function feed(
  stdin: Writable,
  input: Input,
  back: { readonly stdout: Stream; readonly envelope: Buffer } | null,
  isOver: () => boolean,
): Promise<boolean> {
  // A program that does not read all it is given ends with a code that says why; the broken pipe says nothing.
  stdin.on('error', () => {});
  for await (const chunk of input) {
    if (isOver() || !(await written(stdin, chunk))) return false;
  }
  stdin.end();
  if (back === null) return true;
  // Whoever has gone by now has not read the envelope.
  if (isOver()) return false;
  endWith(back.stdout, back.envelope);
  return true;
}

/** Whether the system has taken it. */
function written(stream: Writable, chunk: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (chunk.length === 0) resolve(!stream.destroyed);
    else stream.write(chunk, (error) => resolve(error == null));
  });
}

// Node makes a socket of descriptor 1, which goes both ways.
function endWith(stream: Stream, envelope: Buffer): void {
  if (stream == null || !('end' in stream)) return;
  stream.on('error', () => {});
  stream.end(envelope);
}

/** Reads all that comes and gives its beginning; nothing with `isKept` false. */
export function captured(stream: Stream, isKept = true): () => string {
  let text = '';
  if (stream != null && 'read' in stream) {
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      if (isKept && text.length < MOST_OUTPUT) text += chunk.toString('latin1', 0, MOST_OUTPUT - text.length);
    });
  }
  return () => text;
}
