// What `check-config --show` tells, one fact at a time, for people and for programs.

import { showWhere, type Where } from '../../config/errors.ts';

/** Where a value comes from. */
export type Origin =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly file: string; readonly line?: number }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'hook'; readonly plugin: string }
  /** what other facts make of it */
  | { readonly from: 'reason'; readonly text: string };

export interface Fact {
  /**
   * config: a file of the core; list: a file of a plugin; plugin: a line of plugins; option: one of it; handles: its
   * hooks; hook: who is asked, in order; queue: who takes mail; extension: what EHLO offers
   */
  readonly kind: 'config' | 'list' | 'plugin' | 'option' | 'handles' | 'hook' | 'queue' | 'extension';
  readonly name: string;
  readonly value: string;
  /** null where there is nothing to say */
  readonly origin: Origin | null;
}

export const byDefault: Origin = { from: 'default' };

export function fromFile({ file, line }: Where): Origin {
  return { from: 'file', file, ...(line !== undefined && { line }) };
}

export function because(text: string): Origin {
  return { from: 'reason', text };
}

const NOTHING = '-';
const WIDEST = 40;

/** A line for each fact, in columns: kind, name, value, origin. */
export function factLines(facts: readonly Fact[]): string {
  const names = Math.max(0, ...facts.map(({ name }) => name.length));
  const short = facts.map(({ value }) => shown(value).length).filter((length) => length <= WIDEST);
  const values = Math.max(0, ...short);
  const line = ({ kind, name, value, origin }: Fact) =>
    `${kind.padEnd(9)}  ${name.padEnd(names)}  ${shown(value).padEnd(values)}  ${originText(origin)}`.trimEnd();
  return facts.map((fact) => `${disarmed(line(fact))}\n`).join('');
}

function shown(value: string): string {
  return value || NOTHING;
}

/** Control bytes may come from a plugin, and in names of files. One for one: the columns stay. */
function disarmed(line: string): string {
  return line.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}

function originText(origin: Origin | null): string {
  switch (origin?.from) {
    case undefined:
      return '';
    case 'default':
      return 'default';
    case 'file':
      return showWhere(origin);
    case 'environment':
      return `environment ${origin.variable}`;
    case 'hook':
      return `config hook of plugin ${origin.plugin}`;
    case 'reason':
      return origin.text;
  }
}
