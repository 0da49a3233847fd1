// Sessions with plugins of the tree, or variants of them, by their lines in config/plugins.

import { bundledPlugins } from '../../plugins/index.ts';
import * as api from '../../src/api.ts';
import { systemClock } from '../../src/cli/assemble.ts';
import { Stage, StageError } from '../../src/cli/transcript/stage.ts';
import type { Finding } from '../../src/config/errors.ts';
import type { Resolver } from '../../src/contract/dns.ts';
import type { Clock, Plugin } from '../../src/contract/plugin.ts';
import { Talk } from '../session/support.ts';
import { cleanUp } from '../support/cleanup.ts';

export interface Scenery {
  /** in place of the bundled plugins of these names, or beside them */
  readonly plugins?: Readonly<Record<string, Plugin>>;
  readonly clock?: Clock;
  readonly config?: Readonly<Record<string, readonly string[]>>;
  /** knows no name at all where it is missing */
  readonly dns?: Resolver;
}

/** Everything is removed after the test that called this. @throws StageError */
export async function stageWith(
  lines: readonly string[],
  { plugins = {}, clock = systemClock, config = {}, dns }: Scenery = {},
): Promise<Stage> {
  const own = Object.entries(plugins).map(([name, plugin]) => [name, async () => ({ default: plugin })]);
  const bundled = { ...bundledPlugins, ...Object.fromEntries(own) };
  const stage = await Stage.open({
    program: { version: '0.0.0', bundled, api },
    setup: { plugins: lines, logging: [], config: new Map(Object.entries(config)), maps: new Map(), env: {} },
    clock,
    pluginDirs: [],
    ...(dns && { dns }),
  });
  cleanUp(() => stage.close());
  return stage;
}

/** A session that has been greeted, or sent away. */
export async function talkOn(stage: Stage): Promise<Talk> {
  const talk = new Talk(stage, { ip: '192.0.2.1', host: 'client.example' });
  talk.greeting = await talk.replies();
  return talk;
}

/** What is wrong with lines of config/plugins and other files. */
export async function findingsFor(
  lines: readonly string[],
  scenery: Scenery = {},
): Promise<readonly Finding[]> {
  try {
    await stageWith(lines, scenery);
  } catch (error) {
    if (error instanceof StageError) return error.findings;
    throw error;
  }
  return [];
}
