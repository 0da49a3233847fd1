// What can be said of a configuration once its plugins are loaded.

import type { Finding } from '../config/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { parseLine } from '../engine/file-readers.ts';

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
        const hint = `a line is ${file.form}; this one is ignored`;
        return [{ severity: 'error', code: 'BAD_LINE', where, text: read.problem, hint }];
      }
      const warning = file.warn?.(text) ?? null;
      return warning === null
        ? []
        : [{ severity: 'warning', code: 'ODD_LINE', where, text: warning, hint: null }];
    });
  });
}

/** A server that could not do anything with a mail. */
export function findingsInChains({ chains, lookup }: Engine): Finding[] {
  const missing = (['rcpt', 'queue'] as const).filter((hook) => chains[hook].length === 0);
  const where = lookup.fileLines('plugins')[0]?.where;
  const effect = { rcpt: 'every recipient is refused (450)', queue: 'no message can be taken (451)' };
  return missing.map((hook) => ({
    severity: 'warning',
    code: 'NO_PLUGIN_FOR_HOOK',
    where: where === undefined ? null : { file: where.file },
    text: `no plugin handles the hook ${hook}: ${effect[hook]}`,
    hint: hook === 'rcpt' ? 'rcpt_ok is the usual one' : 'queue/maildir is one',
  }));
}
