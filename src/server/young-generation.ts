// V8 lets the young generation of the heap grow to 48 MB when much survives, as it does while thousands of
// clients connect. Those pages stay, and count as much as 10 KiB for each of 5,000 waiting clients. Bounded to
// a few MB the server is as quick (measured), and a waiting client costs half.
//
// There is no way to say so from inside of a process but to stop the growth once it is there.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { Deadlines } from '../engine/deadlines.ts';

const ENOUGH = 4 * 1024 * 1024;

export function boundYoungGeneration(deadlines: Deadlines): void {
  let isBounded = false;
  deadlines.onSweep(() => {
    if (isBounded) return;
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    if (young === undefined || young.space_size < ENOUGH) return;
    isBounded = true;
    setFlagsFromString('--semi-space-growth-factor=1');
  });
}
