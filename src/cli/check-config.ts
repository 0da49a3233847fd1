// `qpsmtpd check-config`: reads all that serve would read, loads every plugin, and says what is wrong.

import type { ArgsDef, CommandDef } from 'citty';
import { Deadlines } from '../engine/deadlines.ts';
import { makeDiskLoader } from '../engine/disk-loader.ts';
import type { Engine } from '../engine/engine.ts';
import { Log } from '../log/log.ts';
import { StderrWriter } from '../log/stderr-writer.ts';
import type { Arguments } from './arguments.ts';
import { allFindings, configDirs, loadEngine, makeStore, makeWorld, systemClock } from './assemble.ts';
import { EXIT_FAILED, EXIT_OK, makeCommand } from './command.ts';
import { findingsInChains, findingsInLists } from './engine-findings.ts';
import { hasErrors, printFindings } from './findings.ts';
import type { Program } from './program.ts';
import { configArgs } from './shared-args.ts';

const args = {
  ...configArgs,
  json: { type: 'boolean', description: 'print what was found as JSON' },
} satisfies ArgsDef;

export function checkConfigCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'check-config',
    description: 'Check the configuration and load every plugin, without serving',
    args,
    run: (given) => checkConfig(program, given),
  });
}

async function checkConfig(program: Program, given: Arguments): Promise<number> {
  const stderr = new StderrWriter();
  const world = makeWorld(program, systemClock, process.env, stderr);
  // Everything that would be logged is among the findings, or is of no interest here.
  const log = new Log(process.pid, systemClock.now, { upTo: 'emerg', write: () => {} });
  const store = makeStore(configDirs(given.texts('config'), process.env), systemClock, process.env, () => {});
  const deadlines = new Deadlines(systemClock);
  const built = await loadEngine(program, {
    store,
    world,
    log,
    deadlines,
    loader: makeDiskLoader(program.api),
  });
  deadlines.stop();
  const { engine } = built;
  const found = allFindings(store, built);
  const all = [...found, ...findingsInLists(engine), ...(hasErrors(found) ? [] : findingsInChains(engine))];
  const ok = !hasErrors(all);
  if (given.flag('json')) {
    process.stdout.write(`${JSON.stringify({ ok, findings: all, plugins: pluginsOf(engine) }, null, 2)}\n`);
  } else {
    printFindings(all);
    if (ok) process.stdout.write(`${summary(engine)}\n`);
  }
  return ok ? EXIT_OK : EXIT_FAILED;
}

function pluginsOf({ lines }: Engine) {
  return lines.map(({ instance, plugins, hooks, line }) => ({
    id: instance.id,
    from: plugins[0]?.file ?? 'built in',
    hooks,
    where: line.where,
  }));
}

function summary(engine: Engine): string {
  const disk = pluginsOf(engine).filter(({ from }) => from !== 'built in');
  const own = disk.map(({ id, from }) => `\n  ${id} is ${from}`).join('');
  return `the configuration is good, ${engine.lines.length} plugins are loaded${own}`;
}
