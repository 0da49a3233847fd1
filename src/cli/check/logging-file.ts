// Lines of config/logging whose plugin writes no log, and a log that nobody keeps. They work, but seldom as they were meant.

import { type Finding, showWhere } from '../../config/errors.ts';
import type { Engine } from '../../engine/engine.ts';

export function loggingFindings(engine: Engine): Finding[] {
  return [...strangers(engine), ...silence(engine)];
}

function strangers({ lines, lookup }: Engine): Finding[] {
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

/** Without any logging plugin, entries go to standard error. With this one alone they go nowhere. */
function silence({ lines }: Engine): Finding[] {
  const loggers = lines.filter(({ hooks }) => hooks.includes('logging'));
  const [first] = loggers;
  if (first === undefined || loggers.some(({ line }) => line.plugin !== 'logging/devnull')) return [];
  return [
    {
      severity: 'warning',
      code: 'SILENT_LOG',
      where: first.line.where,
      text: 'nothing is logged: nobody is told of failures, nor of mistakes in a configuration that is read anew',
      hint: 'put "logging/warn 3" (errors) in its place',
    },
  ];
}
