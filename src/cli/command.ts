// A subcommand: its usage for citty, its arguments read strictly, its mistakes told in one sentence.

import type { ArgsDef, CommandDef } from 'citty';
import { type Arguments, readArguments, UsageError } from './arguments.ts';
import { terminal } from './findings.ts';
import type { Program } from './program.ts';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** of `check-config --strict` */
export const EXIT_WARNINGS = 2;

export interface Subcommand {
  readonly name: string;
  readonly description: string;
  readonly args: ArgsDef;
  /** not for people: --help does not name it */
  readonly isHidden?: boolean;
  /** Gives the exit code, or null while something goes on that ends the process itself. */
  run(args: Arguments): Promise<number | null>;
}

/** A mistake of the operator's that is told as it is, without a stack trace. */
export class CommandError extends Error {}

export function makeCommand(
  program: Program,
  { name, description, args, isHidden = false, run }: Subcommand,
): CommandDef {
  return {
    meta: { name, version: program.version, description, hidden: isHidden },
    args,
    async run({ rawArgs }) {
      if (rawArgs.includes('--version')) {
        process.stdout.write(`${program.version}\n`);
        return;
      }
      process.exitCode = (await runTold(name, () => run(readArguments(args, rawArgs)))) ?? undefined;
    },
  };
}

async function runTold(name: string, run: () => Promise<number | null>): Promise<number | null> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError) {
      terminal().error(`${error.message} (see qpsmtpd ${name} --help)`);
      return EXIT_USAGE;
    }
    if (!(error instanceof CommandError)) throw error;
    terminal().error(error.message);
    return EXIT_FAILED;
  }
}
