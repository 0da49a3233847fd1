// Lines of config/plugins that stand in an order in which they cannot do their work: what plugins say of that
// (Plugin.order), held against the order in which their handlers are asked.

import { type Finding, quoted, type Where } from '../../config/errors.ts';
import type { HookName } from '../../contract/hooks.ts';
import type { OrderRule } from '../../contract/plugin.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LoadedLine } from '../../engine/instantiate.ts';
import { usualOrders } from './usual-orders.ts';
import { nearPlace } from './where-beside.ts';

export function orderFindings(engine: Engine): Finding[] {
  return engine.lines.flatMap((line) =>
    rulesOf(line).flatMap((rule) => {
      const asked = askedLines(engine, rule.hook);
      const at = asked.indexOf(line);
      if (at < 0) return [];
      const above = asked.slice(0, at);
      const below = asked.slice(at + 1);
      return [
        ...tooHigh(
          line,
          rule,
          isEnd(line, rule) && !above.some((other) => endsAt(other, rule.hook)) ? below : [],
        ),
        ...tooHigh(
          line,
          rule,
          below.filter((other) => isOneOf(other, rule.after)),
        ),
        ...tooLow(
          line,
          rule,
          above.filter((other) => isOneOf(other, rule.before)),
        ),
      ];
    }),
  );
}

function rulesOf({ plugins }: LoadedLine): readonly OrderRule[] {
  const own = plugins.find(({ plugin }) => plugin.order !== undefined)?.plugin.order;
  return own ?? usualOrders[plugins[0]?.plugin.name ?? ''] ?? [];
}

/** Each line once, where its first handler stands. */
function askedLines({ chains, lines, store }: Engine, hook: HookName): LoadedLine[] {
  const ids = new Set(chains[hook].map(({ plugin }) => plugin));
  if (hook === 'queue') {
    // A plugin with routes of its own is asked whatever stands above it, and so is each that a user may choose.
    if (chains.user_config.length > 0 || chains.config.length > 0) return [];
    for (const { target } of store.value('queue_routes').all) ids.delete(target);
  }
  return [...ids].flatMap((id) => lines.find(({ instance }) => instance.id === id) ?? []);
}

/** Below such a line nobody is asked, so whatever is the matter there is its doing. */
function endsAt(line: LoadedLine, hook: HookName): boolean {
  return rulesOf(line).some((rule) => rule.hook === hook && isEnd(line, rule));
}

function isEnd(line: LoadedLine, rule: OrderRule): boolean {
  return rule.last === true && decides(line);
}

/** The operator can make any plugin decline: then those below it are asked. */
function decides({ instance: { override, onError } }: LoadedLine): boolean {
  return (override === null || override.mode === 'on') && onError !== 'open';
}

function isOneOf({ line, plugins }: LoadedLine, names: readonly string[] = []): boolean {
  return names.some((name) => name === line.plugin || plugins.some(({ plugin }) => plugin.name === name));
}

function tooHigh(line: LoadedLine, rule: OrderRule, others: readonly LoadedLine[]): Finding[] {
  const last = others.at(-1);
  if (last === undefined) return [];
  return [
    finding(line, 'above', others, rule, `put it below ${nearPlace(last.line.where, line.line.where)}`),
  ];
}

function tooLow(line: LoadedLine, rule: OrderRule, others: readonly LoadedLine[]): Finding[] {
  const [first] = others;
  if (first === undefined) return [];
  return [
    finding(line, 'below', others, rule, `put it above ${nearPlace(first.line.where, line.line.where)}`),
  ];
}

function finding(
  { line: { name, where } }: LoadedLine,
  side: 'above' | 'below',
  others: readonly LoadedLine[],
  { otherwise }: OrderRule,
  hint: string,
): Finding {
  const text = `plugin ${quoted(name)} stands ${side} ${listed(others, where)}: ${otherwise}`;
  return { severity: 'warning', code: 'PLUGIN_ORDER', where, text, hint };
}

function listed(lines: readonly LoadedLine[], from: Where): string {
  const parts = lines.map(({ line }) => `${quoted(line.name)} (${nearPlace(line.where, from)})`);
  const last = parts.pop() ?? '';
  return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
}
