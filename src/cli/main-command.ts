// `qpsmtpd` without a subcommand: its version and what it can do.

import type { CommandDef } from 'citty';
import type { Program } from './program.ts';

export function mainCommand(program: Program, subCommands: Readonly<Record<string, CommandDef>>): CommandDef {
  return {
    meta: { name: 'qpsmtpd', version: program.version, description: 'Plugin-driven SMTP daemon' },
    // Without a prototype: no word but the names below is a subcommand.
    subCommands: Object.assign(Object.create(null), subCommands),
  };
}
