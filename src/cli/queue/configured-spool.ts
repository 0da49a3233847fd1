// Where the queue lies that the configuration names: the folder on the line of queue/spool.

import { parsePluginLines } from '../../config/plugin-lines.ts';
import { makeDiskLoader } from '../../engine/disk-loader.ts';
import { PluginSource } from '../../engine/plugin-source.ts';
import { parseWords } from '../../engine/plugin-words.ts';
import type { Arguments } from '../arguments.ts';
import { configDirs, makeStore, systemClock } from '../assemble.ts';
import { CommandError } from '../command.ts';
import type { Program } from '../program.ts';

const PLUGIN = 'queue/spool';

/** @throws CommandError, ConfigError */
export async function configuredSpool(program: Program, given: Arguments): Promise<string> {
  const dirs = configDirs(given.texts('config'), process.env);
  const store = makeStore(dirs, systemClock, process.env, () => {});
  const { entries } = parsePluginLines(store.lines('plugins') ?? []);
  const lines = entries.filter(({ plugin }) => plugin === PLUGIN);
  const [line, another] = lines;
  if (line === undefined)
    throw new CommandError(`config/plugins has no line with ${PLUGIN}: name the folder with --dir`);
  if (another !== undefined)
    throw new CommandError(`config/plugins has several lines with ${PLUGIN}: name the folder with --dir`);
  const source = new PluginSource(program.bundled, makeDiskLoader(program.api), store.value('plugin_dirs'));
  const { plugin } = await source.load(PLUGIN, line);
  return String(parseWords(line, plugin).values['dir']);
}
