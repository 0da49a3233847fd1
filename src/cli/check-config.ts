// `qpsmtpd check-config`: reads all that serve would read, loads every plugin, and says what is wrong.

import type { ArgsDef, CommandDef } from 'citty';
import type { ConfigStore } from '../config/config-store.ts';
import { type Finding, withoutControls } from '../config/errors.ts';
import { Deadlines } from '../engine/deadlines.ts';
import { makeDiskLoader } from '../engine/disk-loader.ts';
import type { Engine } from '../engine/engine.ts';
import { Log } from '../log/log.ts';
import { StderrWriter } from '../log/stderr-writer.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { allFindings, configDirs, loadEngine, makeStore, makeWorld, systemClock } from './assemble.ts';
import { allChecks } from './check/all-checks.ts';
import { homeOf, serverUser } from './check/server-user.ts';
import { structureFindings } from './check/structure.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_WARNINGS, makeCommand } from './command.ts';
import { findingsInLists } from './engine-findings.ts';
import { hasErrors, hasWarnings, printFindings } from './findings.ts';
import type { Program } from './program.ts';
import { configArgs } from './shared-args.ts';
import { effectiveConfig } from './show/effective.ts';
import { type Fact, factLines } from './show/facts.ts';

const args = {
  ...configArgs,
  json: { type: 'boolean', description: 'print what was found as JSON' },
  show: {
    type: 'boolean',
    description:
      'print what is in effect, with the origin of each value; of the named only, where names follow',
  },
  name: {
    type: 'positional',
    required: false,
    description: 'with --show: files, plugins, hooks, extensions, such as databytes relay rcpt DSN',
  },
  strict: { type: 'boolean', description: 'end with exit code 2 where there are warnings' },
  user: {
    type: 'string',
    valueHint: 'NAME',
    description: 'user that the server will run as (Default: as serve)',
  },
} satisfies ArgsDef;

export function checkConfigCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'check-config',
    description: 'Check the configuration and load every plugin, without serving',
    args,
    run: (given) => whileAwake(() => checkConfig(program, given)),
  });
}

/** Without it, the process would end in silence while a plugin keeps it waiting for nothing: limits hold nobody up. */
async function whileAwake<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 60_000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

async function checkConfig(program: Program, given: Arguments): Promise<number> {
  const user = serverUser(given.text('user'));
  const dirs = configDirs(given.texts('config'), process.env);
  const store = makeStore(dirs, systemClock, process.env, () => {}, homeOf(user));
  const { engine, findings: found, isWhole } = await load(program, store);
  const findings = [...found, ...findingsInLists(engine).filter((one) => !isTold(one, found))];
  // What is missing for a bad line has been told with that line.
  if (isWhole) findings.push(...structureFindings(engine));
  const context = { store, engine, user, now: systemClock.now() };
  for (const check of allChecks(program.bundled)) findings.push(...(await check(context)));
  const ok = !hasErrors(findings);
  const facts = await shownFacts(given, engine);
  const code = ok ? (given.flag('strict') && hasWarnings(findings) ? EXIT_WARNINGS : EXIT_OK) : EXIT_FAILED;
  if (given.flag('json')) {
    const effective = facts === null ? {} : { effective: facts };
    process.stdout.write(`${jsonText({ ...report(ok, findings, engine), ...effective })}\n`);
  } else {
    printFindings(findings);
    if (facts !== null) process.stdout.write(factLines(facts));
    else if (code === EXIT_OK) process.stdout.write(`${summary(engine, findings)}\n`);
  }
  return code;
}

/** A file of the core may be a list of a plugin, too: one mistake in a line is enough. */
function isTold({ where }: Finding, told: readonly Finding[]): boolean {
  return told.some(
    (other) =>
      other.severity === 'error' && other.where?.file === where?.file && other.where?.line === where?.line,
  );
}

/** What `--show` asks for; null without it. */
function shownFacts(given: Arguments, engine: Engine): Promise<Fact[]> | null {
  const [name] = given.positionals;
  if (given.flag('show')) return effectiveConfig(engine, given.positionals);
  if (name !== undefined) throw new UsageError(`${name}: names are for --show`);
  return null;
}

async function load(program: Program, store: ConfigStore) {
  const world = makeWorld(program, systemClock, process.env, new StderrWriter());
  // Everything that would be logged is among the findings, or is of no interest here.
  const log = new Log(process.pid, systemClock.now, { upTo: 'emerg', write: () => {} });
  const deadlines = new Deadlines(systemClock);
  const loader = makeDiskLoader(program.api);
  const built = await loadEngine(program, { store, world, log, deadlines, loader });
  deadlines.stop();
  return {
    engine: built.engine,
    findings: allFindings(store, built),
    isWhole: !hasErrors(built.findings),
  };
}

/** JSON need not escape all that a terminal obeys. */
function jsonText(value: object): string {
  const hex = (control: string) => `\\u00${control.charCodeAt(0).toString(16)}`;
  return JSON.stringify(value, null, 2).replace(/[\x7f-\x9f]/g, hex);
}

/** What `--json` prints; qpsmtpd(8) tells of it, so fields may be added but not changed. */
function report(ok: boolean, findings: readonly Finding[], engine: Engine) {
  return {
    ok,
    findings: findings.map(({ severity, code, where, text, hint }) => ({
      severity,
      code,
      where,
      text,
      hint,
    })),
    plugins: pluginsOf(engine),
  };
}

function pluginsOf({ lines }: Engine) {
  return lines.map(({ instance, plugins, hooks, line }) => ({
    id: instance.id,
    from: plugins[0]?.file ?? 'built in',
    hooks,
    where: line.where,
  }));
}

function summary(engine: Engine, findings: readonly Finding[]): string {
  const disk = pluginsOf(engine).filter(({ from }) => from !== 'built in');
  const own = disk.map(({ id, from }) => `\n  ${withoutControls(`${id} is ${from}`)}`).join('');
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  const verdict = warnings === 0 ? 'is good' : `can be used, with ${counted(warnings, 'warning')}`;
  const loaded = counted(engine.lines.length, 'plugin');
  return `the configuration ${verdict}, ${loaded} ${engine.lines.length === 1 ? 'is' : 'are'} loaded${own}`;
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
