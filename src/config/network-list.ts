// Files with one network of clients a line.

import { NetworkList, parseNetwork } from '../protocol/network.ts';
import type { ConfigLine } from './config-file.ts';
import { badValue } from './errors.ts';
import { failureOf, type KnownFile } from './file-types.ts';

/** @throws ConfigError */
function readLine({ text, where }: ConfigLine) {
  try {
    return parseNetwork(text);
  } catch {
    throw badValue(where, text, 'a network such as 192.0.2.1, 10.1.0.0/16, 10.1. or 2001:db8::/32');
  }
}

/** A file without lines covers nobody. */
export function networkList({ doc }: { doc: string }): KnownFile<NetworkList> {
  return {
    kind: 'list',
    form: 'NETWORK',
    doc,
    shownDefault: 'none',
    default: () => new NetworkList([]),
    parse: (lines) => new NetworkList(lines.map(readLine)),
    check: (lines) => lines.flatMap((line) => failureOf(() => readLine(line))),
  };
}
