// Promises about the shape of the code, kept by reading it: who may import whom, no cycles, files of one job,
// and every plugin with its manual and its transcript.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { bundledPlugins } from '../plugins/index.ts';

const root = join(import.meta.dirname, '..');

const rank: Readonly<Record<string, number>> = {
  protocol: 0,
  contract: 1,
  config: 2,
  files: 2,
  log: 2,
  net: 2,
  message: 3,
  engine: 4,
  spool: 4,
  session: 5,
  server: 6,
  cli: 7,
};

interface Source {
  /** from the root of the tree, with slashes */
  readonly file: string;
  readonly text: string;
  /** module names as written, type-only imports included */
  readonly imports: readonly string[];
}

function readSource(file: string, text: string): Source {
  const code = text.replace(/^\s*\/\/.*$/gm, '');
  const found = code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)'([^'\n]+)'/g);
  return { file, text, imports: [...found].map(([, name]) => name ?? '') };
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file))
    .map((file) => readSource(file, readFileSync(join(root, file), 'utf8')));
}

const layerOf = (file: string) => /^src\/([^/]+)\//.exec(file)?.[1] ?? null;
const targetOf = ({ file }: Source, name: string) =>
  name.startsWith('.') ? normalize(join(dirname(file), name)) : null;

/** Every import that reaches up or sideways. */
function upwardImports(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const from = layerOf(source.file);
    if (from === null) return [];
    return source.imports.flatMap((name) => {
      const target = targetOf(source, name);
      if (target === null) return name === 'qpsmtpd' ? [`${source.file} imports the public API`] : [];
      const to = layerOf(target);
      if (to === from) return [];
      const allowed = to !== null && (rank[to] ?? 99) < (rank[from] ?? -1);
      return allowed ? [] : [`${source.file} reaches up to ${target}`];
    });
  });
}

/** One import cycle as a list of files, or null. */
function findCycle(sources: readonly Source[]): string[] | null {
  const known = new Map(sources.map((source) => [source.file, source]));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    const source = known.get(file);
    if (source === undefined || done.has(file)) return null;
    for (const name of source.imports) {
      const cycle = visit(targetOf(source, name) ?? name, [...path, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const { file } of sources) {
    const cycle = visit(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

const src = sourcesBelow('src');
const plugins = sourcesBelow('plugins');

describe('imports', () => {
  test('go down only', () => {
    assert.deepEqual(upwardImports(src), []);
    for (const { file } of src) {
      const layer = layerOf(file);
      if (layer !== null) assert.ok(layer in rank, `${file} lies in a folder without a rank`);
    }
  });

  test('make no cycle', () => assert.equal(findCycle([...src, ...plugins]), null));

  test('of protocol: nothing from outside but hashes, and nothing random', () => {
    for (const { file, imports, text } of src.filter((source) => layerOf(source.file) === 'protocol')) {
      assert.deepEqual(
        imports.filter((name) => !name.startsWith('.') && name !== 'node:crypto'),
        [],
        file,
      );
      assert.doesNotMatch(text, /\b(?:random(?:Bytes|Int|UUID|Fill)|getRandomValues|Math\.random)\b/, file);
    }
  });

  test('of plugins: the API, Node, npm, and private files beside them', () => {
    for (const { file, imports } of plugins.filter((source) => source.file !== 'plugins/index.ts')) {
      const wrong = imports.filter((name) => name.startsWith('.') && !/^\.\/_[\w-]+\.ts$/.test(name));
      assert.deepEqual(wrong, [], file);
    }
  });

  test('of bundled plugins: only in main', () => {
    const naming = src.filter(({ imports }) => imports.some((name) => name.includes('/plugins/')));
    assert.deepEqual(
      naming.map(({ file }) => file),
      ['src/main.ts'],
    );
  });

  test('the rules find what they are for', () => {
    const bad = [
      readSource('src/protocol/a.ts', "import type { B } from '../engine/b.ts';"),
      readSource('src/engine/b.ts', "import { c } from './c.ts';"),
      readSource('src/engine/c.ts', "import type { B } from './b.ts';"),
    ];
    assert.deepEqual(upwardImports(bad), ['src/protocol/a.ts reaches up to src/engine/b.ts']);
    assert.deepEqual(findCycle(bad), ['src/engine/b.ts', 'src/engine/c.ts', 'src/engine/b.ts']);
    const sideways = [readSource('src/log/a.ts', "import { b } from '../config/b.ts';")];
    assert.equal(upwardImports(sideways).length, 1);
  });
});

describe('files', () => {
  test('the API re-exports and does nothing', () => {
    const code = readFileSync(join(root, 'src/api.ts'), 'utf8').replace(/^\/\/.*$/gm, '');
    for (const statement of code.split(';').map((part) => part.trim())) {
      if (statement !== '') assert.match(statement, /^export (?:type )?(?:\*|\{[^}]*\}) from '[^']+'$/s);
    }
  });

  test('the command line tools are used by the command line only', () => {
    for (const { file, imports } of src) {
      if (/^src\/(?:cli\/|main\.ts)/.test(file)) continue;
      assert.deepEqual(
        imports.filter((name) => /^(?:citty|consola)\b/.test(name)),
        [],
        file,
      );
    }
  });

  test('environment, exit and signals are for cli and server', () => {
    for (const { file, text } of [...src, ...plugins]) {
      if (/^src\/(?:cli|server)\/|^src\/main\.ts/.test(file)) continue;
      assert.doesNotMatch(text, /\bprocess\.(?:env|exit|on|kill)\b/, file);
    }
  });

  test('no module keeps state', () => {
    for (const { file, text } of [...src, ...plugins]) {
      assert.doesNotMatch(text, /^(?:export )?(?:let|var) /m, file);
      assert.doesNotMatch(text, /^(?:export )?const \w+ = new (?:Map|WeakMap|Set)(?:<[^>]*>)?\(\);/m, file);
    }
  });

  test('have one job: 350 lines at most, 250 in the session', () => {
    for (const { file, text } of [...src, ...plugins]) {
      const most = layerOf(file) === 'session' ? 250 : 350;
      const lines = text.split('\n').length;
      assert.ok(lines <= most, `${file} has ${lines} lines`);
    }
  });

  test('begin by saying what they are for', () => {
    for (const { file, text } of [...src, ...plugins]) {
      assert.match(text.replace(/^#!.*\n/, ''), /^\/\/ \S/, file);
    }
  });
});

describe('plugins', () => {
  for (const [name, load] of Object.entries(bundledPlugins)) {
    test(`${name} has its name, a summary, a manual and a transcript`, async () => {
      const { default: plugin } = await load();
      assert.equal(plugin.name, name);
      assert.ok(plugin.summary.length > 10 && (plugin.docs?.length ?? 0) > 100);
      for (const [key, { doc }] of Object.entries(plugin.options ?? {})) assert.ok(doc.length > 5, key);
      assert.ok(existsSync(join(root, `test/plugins/${name}.smtp`)), 'transcript');
    });
  }
});
