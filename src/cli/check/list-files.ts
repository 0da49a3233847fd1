// Files of plugins that cannot be read as they are meant: includes that lead nowhere, what is no plain file, a broken
// database. ConfigStore.checkAll tells the same of the core's own files.

import type { Finding } from '../../config/errors.ts';
import { knownFileNames } from '../../config/known-files.ts';
import { readLines, readMap } from '../../config/readings.ts';
import type { Check } from './context.ts';

export const listFiles: Check = ({ engine, store: { dirs } }) => {
  const core = new Set<string>(knownFileNames);
  const found = engine.lines
    .flatMap(({ plugins }) => plugins.flatMap(({ plugin }) => Object.entries(plugin.files ?? {})))
    .filter(([name]) => !core.has(name))
    .flatMap(([name, { kind }]) => (kind === 'map' ? readMap : readLines)(name, dirs).findings);
  // Two plugins may read one file, and two files include the same.
  return [...new Map(found.map((one): [string, Finding] => [JSON.stringify(one), one])).values()];
};
