// Which hooks a plugin has handlers for, and which notes it sets and reads: found in its source by types, so that a
// helper function that makes a part of the table counts as well.

import type { HookName } from 'qpsmtpd';
import { hookNames, isHookName } from 'qpsmtpd';
import type { Node, ObjectLiteralExpression } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import type { Checker } from 'typescript/unstable/sync';

export interface PluginUse {
  readonly hooks: readonly HookName[];
  readonly notes: readonly NoteUse[];
}

export interface NoteUse {
  readonly of: 'connection' | 'transaction';
  readonly name: string;
  readonly sets: boolean;
  readonly reads: boolean;
}

export function useOf(file: Node, checker: Checker): PluginUse {
  const hooks = new Set<HookName>();
  const notes = new Map<string, NoteUse>();
  everyNode(file, (node) => {
    if (is.isObjectLiteralExpression(node)) for (const hook of tableKeys(node, checker)) hooks.add(hook);
    const note = noteUse(node, checker);
    if (note === null) return;
    const key = `${note.of} ${note.name}`;
    const before = notes.get(key);
    const sets = note.sets || (before?.sets ?? false);
    notes.set(key, { ...note, sets, reads: note.reads || (before?.reads ?? false) });
  });
  return { hooks: hookNames.filter((hook) => hooks.has(hook)), notes: [...notes.values()] };
}

/** Keys of a literal that is taken for a table of hooks. */
function tableKeys(node: ObjectLiteralExpression, checker: Checker): HookName[] {
  const wanted = checker.getContextualType(node);
  if (wanted === undefined || !/\bHookTable\b/.test(checker.typeToString(wanted))) return [];
  return node.properties.flatMap((property) => {
    const name = 'name' in property ? (property.name as Node | undefined) : undefined;
    if (name === undefined) return [];
    const names = is.isComputedPropertyName(name)
      ? literalsOf(name.expression, checker)
      : [unquoted(name.getText())];
    return names.filter(isHookName);
  });
}

function noteUse(node: Node, checker: Checker): NoteUse | null {
  if (!is.isCallExpression(node) || !is.isPropertyAccessExpression(node.expression)) return null;
  const { expression: cells, name: method } = node.expression;
  const [argument] = node.arguments;
  const action = method.getText();
  if (argument === undefined || !['get', 'has', 'set', 'delete'].includes(action)) return null;
  const type = checker.getTypeAtLocation(cells);
  const of =
    type === undefined ? null : /^Notes<(Connection|Transaction)Notes>$/.exec(checker.typeToString(type));
  const [name] = literalsOf(argument, checker);
  if (of === null || name === undefined) return null;
  const isSet = action === 'set' || action === 'delete';
  return { of: of[1] === 'Connection' ? 'connection' : 'transaction', name, sets: isSet, reads: !isSet };
}

/** The string literals that an expression can be. */
function literalsOf(node: Node, checker: Checker): string[] {
  const type = checker.getTypeAtLocation(node);
  if (type === undefined) return [];
  return [...checker.typeToString(type).matchAll(/"([^"]+)"/g)].map(([, text = '']) => text);
}

export function everyNode(node: Node, look: (node: Node) => void): void {
  look(node);
  node.forEachChild((child) => everyNode(child, look));
}

/** The name of a property without the quotes that it may need in the source. */
export const unquoted = (name: string): string => name.replace(/^['"]|['"]$/g, '');
