// The lines of config/plugins as they count now: where each plugin comes from, its options, the files that it reads, the
// hooks that it handles; and for each hook who is asked, in order.

import { hookNames } from '../../contract/hook-names.ts';
import type { Option } from '../../contract/options.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LoadedLine } from '../../engine/instantiate.ts';
import { because, byDefault, type Fact, fromFile, type Origin } from './facts.ts';

const MASK = '(secret)';

export function pluginFacts(engine: Engine): Fact[] {
  return engine.lines.flatMap((line) => [...factsOf(line), ...listFacts(line, engine)]);
}

export function hookFacts({ chains }: Engine): Fact[] {
  return hookNames.flatMap((hook): Fact[] => {
    const plugins = chains[hook].map(({ plugin }) => plugin);
    if (plugins.length === 0) return [];
    return [
      {
        kind: 'hook',
        name: hook,
        value: plugins.join(' '),
        origin: plugins.length > 1 ? because('in this order') : null,
      },
    ];
  });
}

function factsOf({ line, instance, plugins, hooks, options, given, targets }: LoadedLine): Fact[] {
  const { id } = instance;
  const where = fromFile(line.where);
  const option = (name: string, value: string, origin: Origin): Fact => ({
    kind: 'option',
    name: `${id} ${name}`,
    value,
    origin,
  });
  const own = Object.entries(options).map(([name, spec]) => {
    const text = given.get(name);
    const value = text === undefined ? spec.shownDefault : masked(spec, text, targets);
    return option(name, value, text === undefined ? byDefault : where);
  });
  const common = [...given].filter(([name]) => !Object.hasOwn(options, name) && name !== 'on_error');
  return [
    { kind: 'plugin', name: id, value: plugins[0]?.file ?? 'built in', origin: where },
    ...own,
    ...common.map(([name, text]) => option(name, text, where)),
    option('on_error', instance.onError ?? 'open', given.has('on_error') ? where : byDefault),
    { kind: 'handles', name: id, value: hooks.join(' '), origin: where },
  ];
}

/** @param targets the lines that it hands messages to, whose words stand among its own */
function masked(spec: Option<unknown>, text: string, targets: readonly LoadedLine[]): string {
  if (spec.secret === true) return MASK;
  return targets.flatMap(secretsOf).reduce((shown, secret) => shown.replaceAll(secret, MASK), text);
}

function secretsOf({ options, given, targets }: LoadedLine): readonly string[] {
  const own = [...given].filter(([name]) => options[name]?.secret === true).map(([, text]) => text);
  return [...own, ...targets.flatMap(secretsOf)];
}

/** How many lines there are, not what they say: some have passwords in them, and some thousands of lines. */
function listFacts({ plugins, instance }: LoadedLine, { store }: Engine): Fact[] {
  const files = plugins.flatMap(({ plugin }) => Object.entries(plugin.files ?? {}));
  return files.map(([file, { kind }]): Fact => {
    const name = `${instance.id} ${file}`;
    if (kind === 'map') {
      const path = store.dirs.locate(`${file}.cdb`);
      return {
        kind: 'list',
        name,
        value: path === null ? 'no file' : 'a database',
        origin: path === null ? byDefault : fromFile({ file: path }),
      };
    }
    const [first, ...others] = store.lines(file) ?? [];
    if (first === undefined) return { kind: 'list', name, value: 'no lines', origin: byDefault };
    const value = others.length === 0 ? '1 line' : `${others.length + 1} lines`;
    return { kind: 'list', name, value, origin: fromFile(first.where) };
  });
}
