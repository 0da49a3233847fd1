// The lines of a body that comes in pieces.

/** Without their ends, one octet a character. */
export async function* bodyLines(chunks: AsyncIterable<Buffer>): AsyncIterable<string> {
  let begun = '';
  for await (const chunk of chunks) {
    const [first = '', ...others] = chunk.toString('latin1').split('\n');
    // Only ever added to until its end is there: searching it again with each chunk would take for ever.
    begun += first;
    for (const next of others) {
      yield begun.endsWith('\r') ? begun.slice(0, -1) : begun;
      begun = next;
    }
  }
  if (begun !== '') yield begun;
}
