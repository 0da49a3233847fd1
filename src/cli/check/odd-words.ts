// Words of plugin lines that were taken for the value of a place, and look like the name of an option with a mistake in
// it: `queue/maildir mod=0770` would deliver to a folder of that name.

import { type Finding, quoted } from '../../config/errors.ts';
import type { OptionSchema } from '../../contract/options.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LoadedLine } from '../../engine/instantiate.ts';
import { commonOptions } from '../../engine/plugin-words.ts';
import { closest } from './closest-name.ts';

export function oddWordFindings({ lines }: Engine): Finding[] {
  return lines.flatMap((line) => {
    const schema = schemaOf(line);
    return placedWords(line, schema).flatMap((word) => {
      const close = closest(keyOf(word), Object.keys(schema));
      return close === null ? [] : [finding(line, word, close)];
    });
  });
}

function schemaOf({ plugins }: LoadedLine): OptionSchema {
  const own = plugins.map(({ plugin }) => plugin.options ?? {});
  return Object.assign({}, commonOptions, ...own.toReversed());
}

/** Words without an option in front, as the engine gives them to places; of those that take all others, the first. */
function placedWords({ line: { words }, plugins }: LoadedLine, schema: OptionSchema): string[] {
  const places = new Set(plugins.find(({ plugin }) => plugin.positional)?.plugin.positional);
  const placed: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const named = schema[keyOf(word)];
    const [place = ''] = places;
    const spec = named ?? schema[place];
    if (named === undefined) placed.push(word);
    else if (!word.includes('=')) at++;
    if (spec?.rest === true) break;
    places.delete(named === undefined ? place : keyOf(word));
  }
  return placed;
}

function keyOf(word: string): string {
  const equals = word.indexOf('=');
  return equals > 0 ? word.slice(0, equals) : word;
}

function finding({ line: { name, where } }: LoadedLine, word: string, close: string): Finding {
  return {
    severity: 'warning',
    code: 'ODD_WORD',
    where,
    text: `plugin ${quoted(name)} takes ${quoted(word)} for a value, as it has no option of that name`,
    hint: `did you mean the option "${close}"?`,
  };
}
