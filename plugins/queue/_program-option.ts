// The options of plugins that run a program: where it is, how long it may take, and how many may run at once.

import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { OptionError, option } from 'qpsmtpd';

/** @throws OptionError */
export function absolutePath(text: string): string {
  if (!isAbsolute(text) || text.includes('\0')) throw new OptionError(`"${text}" is not an absolute path`);
  return text;
}

/** Looks whether the program can be run, so that a mistake is found at the start. @throws OptionError */
export function requireProgram(path: string): void {
  try {
    accessSync(path, constants.X_OK);
    if (statSync(path).isFile()) return;
  } catch {
    // Said below.
  }
  throw new OptionError(`${path} is no program that can be run`);
}

export const runOptions = {
  run_timeout: option.integer({
    default: 300,
    min: 1,
    max: 86_400,
    doc: 'seconds after which the program is ended',
  }),
  concurrency: option.integer({
    default: 20,
    min: 1,
    max: 10_000,
    doc: 'how many of the program run at once; other messages wait',
  }),
};
