// What the manual takes from the sources themselves: members of the interfaces that plugins see, what hooks are given and
// give, which hooks and notes a plugin uses. Read by the compiler's own parser and checker, so that no table of the
// manual can say anything else than the types. The package calls this interface unstable: it is used here alone.

import { join } from 'node:path';
import {
  type ClassDeclaration,
  type FunctionDeclaration,
  type InterfaceDeclaration,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { API, type Checker, type Symbol as Named, type Program, SymbolFlags } from 'typescript/unstable/sync';
import { everyNode, type PluginUse, unquoted, useOf } from './plugin-use.ts';

export interface Member {
  readonly name: string;
  /** as in the source, without `readonly` and `name` in front: `: string`, `(wait: number): Promise<boolean>` */
  readonly form: string;
  readonly doc: string;
}

export interface HookTypes {
  /** process, anywhere, session or envelope: which `at` there is */
  readonly scope: string;
  readonly args: string;
  /** what the answer of an asking hook holds */
  readonly value: string | null;
}

export interface Sources {
  /** members of an interface, or public ones of a class, in a file below src/ */
  members(file: string, name: string): readonly Member[];
  /** the exported functions of a file below src/ */
  functions(file: string): readonly Member[];
  /** the methods of the object that a file below src/ exports under this name */
  methods(file: string, name: string): readonly Member[];
  readonly hooks: ReadonlyMap<string, HookTypes>;
  /** names that a plugin can import from 'qpsmtpd', with what is said of each */
  readonly exports: readonly Member[];
  /** of plugins/NAME.ts */
  use(plugin: string): PluginUse;
}

/** Runs the compiler's server for as long as `work` takes. */
export function withSources<T>(root: string, work: (sources: Sources) => T): T {
  const api = new API({ cwd: root });
  try {
    const config = join(root, 'tsconfig.json');
    const [project] = api.updateSnapshot({ openProjects: [config] }).getProjects();
    if (project === undefined) throw new Error(`${config} is no project`);
    return work(sourcesOf(root, project.program, project.checker));
  } finally {
    api.close();
  }
}

function sourcesOf(root: string, program: Program, checker: Checker): Sources {
  const sourceOf = (path: string) => {
    const file = program.getSourceFile(join(root, path));
    if (file === undefined) throw new Error(`the project has no ${path}`);
    return file;
  };
  const find = (file: string, name: string) => {
    const found = sourceOf(file).statements.find(
      (statement): statement is InterfaceDeclaration | ClassDeclaration =>
        (is.isInterfaceDeclaration(statement) || is.isClassDeclaration(statement)) &&
        statement.name?.text === name,
    );
    if (found === undefined) throw new Error(`${file} has no interface or class ${name}`);
    return found;
  };
  return {
    members: (file, name) =>
      [...find(join('src', file), name).members].flatMap((node) => {
        const isStatic = node.getText().startsWith('static ');
        return memberOf(node).map((member) =>
          isStatic ? { ...member, name: `${name}.${member.name}` } : member,
        );
      }),
    functions: (file) =>
      sourceOf(join('src', file)).statements.flatMap((statement) =>
        is.isFunctionDeclaration(statement) && isExported(statement) ? memberOf(statement) : [],
      ),
    methods: (file, name) => methodsOf(sourceOf(join('src', file)), name),
    hooks: hooksOf(find('src/contract/hooks.ts', 'HookMap') as InterfaceDeclaration),
    exports: exportsOf(sourceOf('src/api.ts'), checker),
    use: (plugin) => useOf(sourceOf(`plugins/${plugin}.ts`), checker),
  };
}

const textOf = (node: Node): string => node.getText().replace(/\s+/g, ' ');
const isExported = (node: FunctionDeclaration): boolean =>
  node.modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) ?? false;

/** Nothing for what is private, computed or a constructor. */
function memberOf(node: Node): Member[] {
  if (!('name' in node)) return [];
  const named = node.name as Node | undefined;
  if (named === undefined || is.isPrivateIdentifier(named) || is.isComputedPropertyName(named)) return [];
  const whole = node.getText();
  const name = named.getText();
  const body = bodyOf(node);
  const from = whole.indexOf(name, named.getStart() - node.getStart()) + name.length;
  const head = whole.slice(from, body === undefined ? undefined : body.getStart() - node.getStart());
  const form = head
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/ ?[;=]$/, '')
    .replace(/\( /g, '(')
    .replace(/, \)/g, ')')
    .trim();
  const isGetter = is.isGetAccessorDeclaration(node);
  return [{ name: unquoted(name), form: isGetter ? form.replace(/^\(\)/, '') : form, doc: docOf(node) }];
}

/** What stands behind the head of a function, or behind the type of a field. */
function bodyOf(node: Node): Node | undefined {
  if (is.isPropertyDeclaration(node)) return node.initializer;
  return 'body' in node ? (node.body as Node | undefined) : undefined;
}

interface Documented {
  readonly jsDoc?: readonly {
    readonly comment?: string | readonly { readonly text: string }[];
    readonly tags?: readonly { readonly getText?: () => string }[];
  }[];
}

/** The text before the first tag. */
function docOf(node: Node): string {
  const comment = (node as Documented).jsDoc?.at(-1)?.comment;
  if (comment === undefined) return '';
  const text = typeof comment === 'string' ? comment : comment.map((part) => part.text).join('');
  return text.trim();
}

function methodsOf(file: Node, name: string): Member[] {
  const found: Member[] = [];
  everyNode(file, (node) => {
    if (!is.isVariableDeclaration(node) || node.name.getText() !== name) return;
    const { initializer } = node;
    if (initializer === undefined || !is.isObjectLiteralExpression(initializer)) return;
    for (const property of initializer.properties) {
      if (is.isMethodDeclaration(property)) found.push(...memberOf(property));
      else if (is.isShorthandPropertyAssignment(property)) found.push(...memberOf(property));
    }
  });
  return found;
}

function hooksOf({ members }: InterfaceDeclaration): Map<string, HookTypes> {
  const rows = [...members].flatMap((member) => {
    if (!is.isPropertySignatureDeclaration(member) || member.type === undefined) return [];
    if (!is.isTypeReferenceNode(member.type)) return [];
    const [scope, args, value] = [...(member.type.typeArguments ?? [])].map(textOf);
    const name = unquoted(member.name.getText());
    const given = (args ?? '[]').slice(1, -1);
    return [[name, { scope: (scope ?? '').slice(1, -1), args: given, value: value ?? null }] as const];
  });
  return new Map(rows);
}

const isAlias = ({ flags }: Named): boolean => (flags & SymbolFlags.Alias) !== 0;

function saidOf(symbol: Named, checker: Checker): string {
  const meant = isAlias(symbol) ? checker.getAliasedSymbol(symbol) : symbol;
  return checker.getDocumentationCommentOfSymbol(meant);
}

function exportsOf(api: Node, checker: Checker): Member[] {
  const module = checker.getSymbolAtLocation(api);
  if (module === undefined) throw new Error('src/api.ts is no module');
  return checker
    .getExportsOfModule(module)
    .map((symbol) => ({ name: symbol.name, form: '', doc: saidOf(symbol, checker) }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
