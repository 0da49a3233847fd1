// What can be said of a configuration once its plugins are loaded.

import { commentHint, type Finding } from '../config/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { parseLine } from '../engine/file-readers.ts';
import { structureFindings } from './check/structure.ts';

/** What a server says at its start, when it has found no error. A bad line in a list stops nobody: it is left out. */
export function findingsAtStart(engine: Engine): Finding[] {
  const inLists = findingsInLists(engine).map((finding): Finding => ({ ...finding, severity: 'warning' }));
  return [...inLists, ...structureWarnings(engine)];
}

export function structureWarnings(engine: Engine): Finding[] {
  return structureFindings(engine).filter(({ severity }) => severity === 'warning');
}

/** Lines of the config files that plugins declare, read as the plugins read them. */
export function findingsInLists({ lines, lookup }: Engine): Finding[] {
  const files = new Map(
    lines.flatMap(({ plugins }) => plugins.flatMap(({ plugin }) => Object.entries(plugin.files ?? {}))),
  );
  return [...files].flatMap(([name, file]) => {
    if (file.kind !== 'list') return [];
    return lookup.fileLines(name).flatMap(({ text, where }): Finding[] => {
      const read = parseLine(file, { text, where });
      if ('problem' in read) {
        const hint = commentHint(text) ?? `a line is ${file.form}; this one is ignored`;
        return [{ severity: 'error', code: 'BAD_LINE', where, text: read.problem, hint }];
      }
      const warning = file.warn?.(text) ?? null;
      return warning === null
        ? []
        : [{ severity: 'warning', code: 'ODD_LINE', where, text: warning, hint: null }];
    });
  });
}
