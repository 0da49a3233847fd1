// Builds dist/qpsmtpd: the daemon and its plugins as one executable that needs no Node on the machine. esbuild makes
// one CommonJS file of src/main.ts, and @yao-pkg/pkg puts it into a copy of the Node in node_modules/node-linux-ARCH.
// Nothing is asked of the network. dist/qpsmtpd.cjs stays beside it: stack traces of the executable give its lines.
//
// First output of a program with 90 plugins, medians on Node 26.10: pkg for a package.json 56 ms (its file system in
// memory), pkg for a plain file 45 ms, the same with V8's code cache 39 ms, Node's own --build-sea 38 ms. Minifying
// gains nothing, so names in stack traces stay readable; esbuild's keepNames would cost a tenth of the speed, as it
// writes the name of every closure that is made.
//
// Two builds of the same sources with the same tools give the same bytes: V8 writes the code cache in the order of
// hashes, whose seed --random-seed fixes. (--hash-seed would do so too, but V8 then refuses the cache when it starts.)
//
//   node scripts/build-binary.ts [--arch x64|arm64] [--node FILE]
// With --arch of another kind of machine it writes dist/ARCH/qpsmtpd, from the Node in FILE, without a code cache.

import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { type BuildFailure, build, formatMessages, type Message } from 'esbuild';

/** What stops a build, as a sentence for the person who runs it. */
class BuildError extends Error {}

interface Runtime {
  readonly version: string;
  readonly arch: string;
  readonly file: string;
  readonly digest: string;
}

const root = dirname(import.meta.dirname);
const { values: given } = parseArgs({ options: { arch: { type: 'string' }, node: { type: 'string' } } });
const arch = given.arch ?? process.arch;
const isForeign = arch !== process.arch;
const dist = isForeign ? join(root, 'dist', arch) : join(root, 'dist');
const cache = join(root, 'dist', '.build');
const executable = join(dist, 'qpsmtpd');
const stampFile = join(cache, isForeign ? `stamp-${arch}` : 'stamp');
const require = createRequire(import.meta.url);

const digestOf = (file: string) => hash('sha256', readFileSync(file));
const shown = (file: string) => relative(process.cwd(), file) || '.';

function versionOf(packageName: string): string {
  const { version }: { version?: unknown } = require(`${packageName}/package.json`);
  if (typeof version !== 'string') throw new BuildError(`${packageName}/package.json states no version.`);
  return version;
}

/** The Node that becomes the executable: that of the wanted kind of machine, from npm. */
function findRuntime(): Runtime {
  if (process.platform !== 'linux') throw new BuildError('The executable can be built on Linux only.');
  if (arch !== 'x64' && arch !== 'arm64') throw new BuildError('--arch is x64 or arm64.');
  const own = `node-linux-${process.arch}`;
  const name = `node-linux-${arch}`;
  const file = given.node ?? join(root, 'node_modules', name, 'bin', 'node');
  if (!existsSync(file)) {
    const advice = isForeign
      ? `Get it with "npm pack ${name}@${versionOf(own)}", unpack it, and say --node FILE.`
      : 'It is an optional dependency for x64 and arm64: run "npm ci" without --omit=optional.';
    throw new BuildError(`The npm package ${name} is not installed. ${advice}`);
  }
  // Of another kind of machine it cannot be asked for its version: it has to be the one that builds.
  return { version: versionOf(own), arch, file, digest: digestOf(file) };
}

/** All of the program as one CommonJS text. `qpsmtpd` is found by the "exports" of our own package.json. */
async function bundle(): Promise<string> {
  const entry = join(root, 'src', 'main.ts');
  if (!existsSync(entry)) throw new BuildError(`There is no ${shown(entry)} to build from.`);
  const { warnings, outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node26',
    // In the executable __filename is the executable itself, so these say where it is installed.
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    logLevel: 'silent',
  }).catch(async (failure: Error | BuildFailure) => {
    throw 'errors' in failure ? await faultsFound(failure.errors) : failure;
  });
  // A warning is what works from source and not in the executable, such as an empty import.meta.url.
  if (warnings.length > 0) throw await faultsFound(warnings);
  return outputFiles.map((file) => file.text).join('');
}

async function faultsFound(messages: Message[]): Promise<BuildError> {
  const texts = await formatMessages(messages, { kind: 'error' });
  return new BuildError(`esbuild finds fault with the sources:\n${texts.join('')}`);
}

/** Node without its symbol tables, which are a fifth of it; as it is where there is no `strip`. */
function strippedNode(runtime: Runtime, workDir: string): string {
  const kept = join(cache, `node-${runtime.version}-${runtime.arch}-${runtime.digest.slice(0, 12)}`);
  if (existsSync(kept)) return kept;
  const copy = join(workDir, 'node');
  copyFileSync(runtime.file, copy);
  chmodSync(copy, 0o755);
  const strip = isForeign ? `${{ arm64: 'aarch64', x64: 'x86_64' }[runtime.arch]}-linux-gnu-strip` : 'strip';
  const { status, error } = spawnSync(strip, [copy], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (error !== undefined || status !== 0) {
    console.warn(`${strip} (binutils) is missing or failed: the executable will be 30 MB larger.`);
    return runtime.file;
  }
  renameSync(copy, kept);
  return kept;
}

/**
 * pkg starts Node to write what goes into the executable, and hands on no flags. So each start of it gets the fixed
 * seed, and for another kind of machine this machine's Node, which is of the same version, takes the other's place.
 */
function steerNode(runtime: Runtime): void {
  const childProcess: { execFile: unknown } = require('node:child_process');
  const run = (file: string, words: readonly string[]) => {
    const isOther = isForeign && file !== process.execPath;
    const program = isOther ? process.execPath : file;
    if (isOther && process.version !== `v${runtime.version}`) {
      throw new BuildError(`To build for ${runtime.arch}, run this with Node ${runtime.version}.`);
    }
    const { status, stdout, stderr } = spawnSync(program, ['--random-seed=1', ...words], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new BuildError(`${program} ${words.join(' ')} failed:\n${stderr}`);
    return { stdout, stderr };
  };
  const asked = async (file: string, words: readonly string[]) => run(file, words);
  childProcess.execFile = Object.assign(() => {}, { [promisify.custom]: asked });
}

/**
 * Puts the bundle into the copy of Node with pkg's SEA builder. `pkg --sea` on the command line calls the same
 * function, but hands on neither a Node of our choice nor the wish for a code cache.
 */
async function bake(runtime: Runtime, workDir: string): Promise<string> {
  steerNode(runtime);
  const { default: pkg } = await import('@yao-pkg/pkg/lib-es5/sea.js');
  const output = join(workDir, 'qpsmtpd');
  // The name of the main file is written into the executable and into stack traces: relative to the folder that pkg
  // makes in the temporary folder, it says nothing of this machine.
  process.env['TMPDIR'] = workDir;
  const main = '../qpsmtpd.cjs';
  const seaConfig = {
    main,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: !isForeign,
  };
  await pkg.default(join(workDir, 'qpsmtpd.cjs'), {
    targets: [{ nodeRange: `node${runtime.version}`, platform: 'linux', arch: runtime.arch, output }],
    nodePath: strippedNode(runtime, workDir),
    seaConfig,
  });
  chmodSync(output, 0o755);
  return output;
}

/** What an executable was made from, and its own digest: nothing to do while both are the same. */
const stampOf = (inputs: string, file: string) => `${inputs} ${digestOf(file)}\n`;

function isFresh(inputs: string): boolean {
  if (!existsSync(stampFile) || !existsSync(executable)) return false;
  return readFileSync(stampFile, 'utf8') === stampOf(inputs, executable);
}

async function makeExecutable(runtime: Runtime, text: string, inputs: string): Promise<void> {
  // A folder of its own and renames, for builds that run side by side and for a daemon that runs from dist/.
  const workDir = mkdtempSync(join(cache, 'run-'));
  try {
    writeFileSync(join(workDir, 'qpsmtpd.cjs'), text);
    const made = await bake(runtime, workDir);
    writeFileSync(join(workDir, 'stamp'), stampOf(inputs, made));
    renameSync(join(workDir, 'qpsmtpd.cjs'), join(dist, 'qpsmtpd.cjs'));
    renameSync(made, executable);
    renameSync(join(workDir, 'stamp'), stampFile);
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const runtime = findRuntime();
  const text = await bundle();
  for (const folder of [dist, cache]) mkdirSync(folder, { recursive: true });
  const recipe = [
    text,
    runtime.digest,
    versionOf('@yao-pkg/pkg'),
    readFileSync(import.meta.filename, 'utf8'),
  ];
  const inputs = hash('sha256', JSON.stringify(recipe));
  const fresh = isFresh(inputs);
  if (!fresh) await makeExecutable(runtime, text, inputs);
  const size = `${(statSync(executable).size / 1e6).toFixed(0)} MB`;
  console.log(`${shown(executable)} ${fresh ? 'is up to date' : 'built'}: ${size}, Node ${runtime.version}`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof BuildError ? error.message : error);
  process.exitCode = 1;
}
