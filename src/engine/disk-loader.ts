// Loads plugin files from disk, in the executable too: .js (both kinds), .mjs, .ts, .mts. What they import as
// 'qpsmtpd' is the running engine's own API, whatever lies or does not lie in a node_modules near them.
//
// A require made by createRequire goes through Node's real loaders even where the main program is one file
// inside of the executable, in which import() knows built-in modules only.

import { realpathSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { dirname, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { printed } from './outcome.ts';

export interface Explanation {
  readonly reason: string;
  readonly hint: string | null;
}

export interface DiskLoader {
  /** The default export, or module.exports of a CommonJS file. @throws what Node says of the file */
  load(file: string): unknown;
  /** What a thrown error means to an operator. */
  explain(error: unknown): Explanation;
}

/** No file can have this URL. */
const API_URL = 'qpsmtpd-api:engine';
const BRIDGE = 'qpsmtpd.api';

/** @param api the namespace object of src/api.ts */
export function makeDiskLoader(api: object): DiskLoader {
  // Folders where .ts is ES module syntax, whatever package.json stands above. Real paths: Node gives those.
  const roots = new Set<string>();
  const isOurs = (url: string) =>
    url.endsWith('.ts') && !url.includes('/node_modules/') && [...roots].some((root) => url.startsWith(root));
  let ready = false;

  const install = () => {
    if (ready) return;
    ready = true;
    Object.defineProperty(globalThis, Symbol.for(BRIDGE), { value: api, configurable: true });
    registerHooks({
      resolve(specifier, context, nextResolve) {
        if (specifier === 'qpsmtpd') return { url: API_URL, format: 'module', shortCircuit: true };
        return nextResolve(specifier, context);
      },
      load(url, context, nextLoad) {
        if (url === API_URL) return { format: 'module', source: apiSource(api), shortCircuit: true };
        return nextLoad(url, isOurs(url) ? { ...context, format: 'module-typescript' } : context);
      },
    });
  };

  return {
    load(file) {
      install();
      const real = realpathSync(file);
      roots.add(pathToFileURL(dirname(real) + sep).href);
      const loaded: unknown = createRequire(real)(real);
      const isModule = typeof loaded === 'object' && loaded !== null && 'default' in loaded;
      return isModule ? loaded.default : loaded;
    },
    explain,
  };
}

/** Source of the module that plugins see as 'qpsmtpd': one export for each export of the engine's API. */
function apiSource(api: object): string {
  const names = Object.keys(api).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default');
  const exports = names.map((name) => `export const ${name} = api.${name};`);
  return [`const api = globalThis[Symbol.for('${BRIDGE}')];`, ...exports].join('\n');
}

const reasons: Readonly<Record<string, Explanation>> = {
  ERR_REQUIRE_ASYNC_MODULE: {
    reason: 'it awaits something at its top level',
    hint: 'move what has to be awaited into setup()',
  },
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX: {
    reason: 'it uses TypeScript that needs compiling (enum, namespace, parameter properties)',
    hint: 'types are only taken away, not compiled: write it without, or compile it to .js yourself',
  },
};

function explain(error: unknown): Explanation {
  if (!(error instanceof Error)) return { reason: `it threw ${printed(error)}`, hint: null };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = reasons[code];
  const [first = ''] = error.message.split('\n');
  if (known !== undefined) return known;
  if (/Cannot use import statement outside a module/.test(first)) {
    return {
      reason: 'it is an ES module in a file that Node takes for CommonJS',
      hint: 'name it .mjs or .ts',
    };
  }
  return { reason: first, hint: null };
}
