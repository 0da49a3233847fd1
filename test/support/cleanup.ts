// Work for the end of the test, suite or file that calls this, from a `before` hook of theirs too: there the
// function `after` of node:test would run at the end of the hook itself.

import { after, getTestContext } from 'node:test';

export function cleanUp(work: () => void | Promise<void>): void {
  const context = getTestContext();
  if (context !== undefined && 'after' in context) context.after(work);
  else after(work);
}
