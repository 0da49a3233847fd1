// XCLIENT (XCLIENT_README of Postfix): who the client behind us is, in as many commands as it takes, and the greeting
// that has to follow in its name.

import { decodeXtext } from '../protocol/xtext.ts';

const LONGEST_COMMAND = 500;

/** @param wanted names of the attributes that the server takes, in capitals */
export function xclientCommands(
  attributes: ReadonlyMap<string, string>,
  wanted: readonly string[],
): readonly string[] {
  const commands: string[] = [];
  let command = '';
  for (const [name, value] of attributes) {
    if (!wanted.includes(name)) continue;
    const word = ` ${name}=${value}`;
    if (command !== '' && command.length + word.length > LONGEST_COMMAND) {
      commands.push(command);
      command = '';
    }
    command = `${command === '' ? 'XCLIENT' : command}${word}`;
  }
  return command === '' ? commands : [...commands, command];
}

/** The client's name for EHLO, as what is said there counts from then on; null where it cannot stand there. */
export function clientHello(attributes: ReadonlyMap<string, string>): string | null {
  const name = decodeXtext(attributes.get('HELO') ?? '');
  return name !== null && /^[!-~]+$/.test(name) && name !== '[UNAVAILABLE]' ? name : null;
}
