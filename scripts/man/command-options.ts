// The options of a subcommand, from its definition for citty, in a page that is otherwise written by hand: between the
// comments "Options of NAME" and "End of options". What the one line of `--help` has no room for is added here.

import type { ArgsDef } from 'citty';
import { item, Roff, roff, sentence } from './roff.ts';

/** By name of the option. The tests know whether each is one. */
export const details: Readonly<Partial<Record<string, string>>> = {
  listen: 'The words that may stand behind it are those of LISTENERS in qpsmtpd(8).',
  'listen-address': 'IPv6 addresses stand in brackets.',
  'limit-connections': 'They are counted over all workers. Those above it are told to come back (421).',
  children: 'They are counted over all workers. Those above it are told to come back (421).',
  'max-from-ip': 'They are counted over all workers. An IPv6 network of 64 bits counts as one address.',
  user: 'Where there is neither, root serves loopback only.',
  'pid-file':
    'It is that of the parent. The server does not start when the file names another process that is running. In a folder where only root may write, such as /run, root makes the file for the user of --user, and it is emptied at the end instead of removed.',
  detach:
    'It does so once clients can connect. Standard error leads nowhere from then on: a logging plugin has to keep the log.',
  'no-rdns': 'Their address in brackets takes the place of it.',
};

const BEGIN = (command: string) => `.\\" Options of ${command}: written by "npm run generate" from src/cli.`;
const END = '.\\" End of options.';

/** The page with the options in their place. @throws Error where it has no such place */
export function withOptions(page: string, command: string, args: ArgsDef): string {
  const begin = BEGIN(command);
  const [before, rest, ...others] = page.split(`${begin}\n`);
  const end = rest?.indexOf(`${END}\n`) ?? -1;
  if (before === undefined || rest === undefined || others.length > 0 || end < 0) {
    throw new Error(`the manual of ${command} has no lines "${begin}" and "${END}"`);
  }
  return [before, begin, '\n', optionItems(args).join('\n'), '\n', rest.slice(end)].join('');
}

function optionItems(args: ArgsDef): string[] {
  return Object.entries(args).map(([name, spec]) => {
    if (spec.type === 'positional') throw new Error(`the manual knows no place for the word ${name}`);
    const { valueHint, description = '' } = spec;
    const short = [('alias' in spec && spec.alias) || []].flat().map((letter) => `\\fB\\-${letter}\\fR, `);
    const long = roff`--${name}`.source;
    const value = valueHint === undefined ? '' : ` ${formOf(valueHint)}`;
    const [, said = description, shownDefault] = /^(.*) \(Default: (.*)\)$/.exec(description) ?? [];
    const standard = shownDefault === undefined ? '' : `Default: ${shownDefault}.`;
    const term = new Roff(`${short.join('')}\\fB${long}\\fR${value}`);
    return item(
      term,
      [sentence(said), details[name] ?? '', standard].filter((part) => part !== '').join(' '),
    );
  });
}

/** Capitals are what somebody puts something in the place of. */
function formOf(hint: string): string {
  return roff`${hint}`.source.replace(/[A-Z]+/g, (word) => `\\fI${word}\\fR`);
}
