// Lines of config/logging whose plugin writes no log. They work, but not where the operator reads them.

import { type Finding, showWhere } from '../../config/errors.ts';
import type { Engine } from '../../engine/engine.ts';

export function loggingFindings({ lines, lookup }: Engine): Finding[] {
  const places = new Set(lookup.fileLines('logging').map(({ where }) => showWhere(where)));
  return lines
    .filter(({ line, hooks }) => places.has(showWhere(line.where)) && !hooks.includes('logging'))
    .map(({ line: { name, where } }) => ({
      severity: 'warning',
      code: 'NO_LOGGING_PLUGIN',
      where,
      text: `plugin "${name}" writes no log: in this file it is asked before all plugins of the file plugins`,
      hint: 'put the line into plugins, at its place',
    }));
}
