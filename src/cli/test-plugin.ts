// `qpsmtpd test-plugin`: plays transcripts against one plugin, without a network, and shows what it does.

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import type { ArgsDef, CommandDef } from 'citty';
import type { Arguments } from './arguments.ts';
import { systemClock } from './assemble.ts';
import { CommandError, EXIT_FAILED, EXIT_OK, makeCommand } from './command.ts';
import { findingText } from './findings.ts';
import type { Program } from './program.ts';
import { parseTranscript, type Transcript, TranscriptError } from './transcript/parse.ts';
import { type Observer, runTranscript } from './transcript/run.ts';
import { StageError } from './transcript/stage.ts';

const args = {
  plugin: {
    type: 'positional',
    // Missing, it is told in our own words; --version needs none.
    required: false,
    description: 'name of a bundled plugin, or file of another one; words for its line may follow',
  },
  transcript: { type: 'string', valueHint: 'FILE', description: 'transcript to play; may be repeated' },
  quiet: { type: 'boolean', description: 'print only whether each transcript went as expected' },
} satisfies ArgsDef;

const marks = { client: 'C: ', server: 'S: ', log: '   log  ', note: '   note ' } as const;

export function testPluginCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'test-plugin',
    description: 'Play transcripts (.smtp) against one plugin',
    args,
    run: (given) => testPlugin(program, given),
  });
}

async function testPlugin(program: Program, given: Arguments): Promise<number> {
  const [name, ...words] = given.positionals;
  if (name === undefined) throw new CommandError('which plugin? Give the name of a bundled one, or a file');
  const files = given.texts('transcript');
  if (files.length === 0) throw new CommandError('no transcript: give at least one --transcript FILE');
  const plugin = locate(name);
  let failed = 0;
  for (const file of files) {
    const transcript = withPlugin(readTranscript(file), plugin.name, words);
    const problem = await play(
      program,
      plugin.dirs,
      transcript,
      file,
      given.flag('quiet') ? () => {} : print,
    );
    process.stdout.write(`${problem === null ? 'ok' : 'FAILED'}  ${file}: ${problem ?? transcript.title}\n`);
    if (problem !== null) failed++;
  }
  process.stdout.write(`${files.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? EXIT_OK : EXIT_FAILED;
}

const print: Observer = (kind, text) => void process.stdout.write(`${marks[kind]}${text}\n`);

/** A file is found by its folder and its name, as it would be by plugin_dirs. */
function locate(name: string): { name: string; dirs: readonly string[] } {
  const isFile = /\.[cm]?[jt]s$/.test(name);
  if (!isFile) return { name, dirs: [] };
  const path = resolve(name);
  if (!existsSync(path)) throw new CommandError(`${name}: there is no such file`);
  return { name: basename(path, extname(path)), dirs: [dirname(path)] };
}

function readTranscript(file: string): Transcript {
  try {
    return parseTranscript(readFileSync(file, 'latin1'));
  } catch (error) {
    const line = error instanceof TranscriptError ? `:${error.line}` : '';
    throw new CommandError(`${file}${line}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The plugin of the command line takes the place of its lines in the transcript, or goes before all others. */
function withPlugin(transcript: Transcript, name: string, words: readonly string[]): Transcript {
  const { setup } = transcript;
  const line = [name, ...words].join(' ');
  const isIt = (other: string) => other.split(/[\s:]/)[0] === name;
  if ([...setup.plugins, ...setup.logging].some(isIt)) {
    if (words.length === 0) return transcript;
    const replaced = (lines: readonly string[]) => lines.map((other) => (isIt(other) ? line : other));
    return {
      ...transcript,
      setup: { ...setup, plugins: replaced(setup.plugins), logging: replaced(setup.logging) },
    };
  }
  return { ...transcript, setup: { ...setup, plugins: [line, ...setup.plugins] } };
}

async function play(
  program: Program,
  pluginDirs: readonly string[],
  transcript: Transcript,
  file: string,
  observe: Observer,
): Promise<string | null> {
  try {
    const failure = await runTranscript(transcript, { program, clock: systemClock, pluginDirs }, observe);
    return failure === null ? null : `line ${failure.line}: ${failure.text}`;
  } catch (error) {
    if (error instanceof StageError) return `${file}: ${error.findings.map(findingText).join('; ')}`;
    throw error;
  }
}
