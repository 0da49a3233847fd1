// `qpsmtpd queue`: shows the messages of a spool (plugin queue/spool), and changes what becomes of them, whether a server
// runs or not.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ArgsDef, CommandDef } from 'citty';
import { SpoolDesk } from '../spool/spool-desk.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { systemClock } from './assemble.ts';
import { CommandError, EXIT_FAILED, EXIT_OK, makeCommand } from './command.ts';
import { terminal } from './findings.ts';
import type { Program } from './program.ts';
import { configuredSpool } from './queue/configured-spool.ts';
import { jsonOf, messageText, shortJsonOf, tableLines } from './queue/message-text.ts';
import { configArgs } from './shared-args.ts';

const args = {
  action: { type: 'positional', required: false, description: 'list, show, flush, hold, release or delete' },
  id: { type: 'positional', required: false, description: 'names of messages, as list tells them' },
  ...configArgs,
  dir: {
    type: 'string',
    valueHint: 'DIR',
    description: 'folder of the queue, where config/plugins does not tell',
  },
  json: { type: 'boolean', description: 'print as JSON' },
} satisfies ArgsDef;

export function queueCommand(program: Program): CommandDef {
  return makeCommand(program, {
    name: 'queue',
    description: 'Show and change the messages that queue/spool keeps',
    args,
    run: (given) => queue(program, given),
  });
}

async function queue(program: Program, given: Arguments): Promise<number> {
  const [action = '', ...ids] = given.positionals;
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (act === undefined) {
    const known = Object.keys(actions).join(', ');
    throw new UsageError(action === '' ? `one of ${known} is needed` : `"${action}" is none of ${known}`);
  }
  if (ids.length === 0 && act.needsId) throw new UsageError(`${action} needs the name of a message`);
  if (ids.length > 0 && action === 'list') throw new UsageError('list takes no names');
  const dir = resolve(given.text('dir') ?? (await configuredSpool(program, given)));
  if (!existsSync(dir)) throw new CommandError(`${dir}: there is no such folder`);
  const desk = new SpoolDesk(dir, systemClock);
  try {
    return await act.run(desk, ids, given.flag('json'));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new CommandError(error.message);
  }
}

interface Action {
  readonly needsId: boolean;
  run(desk: SpoolDesk, ids: readonly string[], asJson: boolean): Promise<number>;
}

const actions: Readonly<Record<string, Action>> = {
  list: { needsId: false, run: (desk, _ids, asJson) => list(desk, asJson) },
  show: {
    needsId: true,
    run: (desk, ids, asJson) =>
      forEach(ids, async (id) => {
        const message = await desk.show(id);
        if (message !== null) print(asJson ? jsonOf(message) : messageText(message));
        return message !== null;
      }),
  },
  flush: {
    needsId: false,
    run: async (desk, ids) => {
      if (ids.length > 0) return forEach(ids, (id) => desk.flush(id));
      await desk.flush(null);
      return EXIT_OK;
    },
  },
  hold: { needsId: true, run: (desk, ids) => forEach(ids, (id) => desk.hold(id)) },
  release: { needsId: true, run: (desk, ids) => forEach(ids, (id) => desk.release(id)) },
  delete: { needsId: true, run: (desk, ids) => forEach(ids, (id) => desk.delete(id)) },
};

async function list(desk: SpoolDesk, asJson: boolean): Promise<number> {
  const lines = asJson ? jsonLines(desk) : tableLines(desk.list(), systemClock.now());
  for await (const line of lines) print(line);
  return EXIT_OK;
}

async function* jsonLines(desk: SpoolDesk): AsyncIterable<string> {
  let before = '[';
  for await (const message of desk.list()) {
    yield `${before}${shortJsonOf(message)}`;
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

async function forEach(ids: readonly string[], act: (id: string) => Promise<boolean>): Promise<number> {
  let code = EXIT_OK;
  for (const id of ids) {
    if (await act(id)) continue;
    terminal().error(`${id}: there is no such message, or not where it has to be for this`);
    code = EXIT_FAILED;
  }
  return code;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
