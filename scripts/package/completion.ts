// Completion for bash, zsh and fish, from what the program says of itself with --help: its subcommands, their options,
// and what each of them means. That text is made of the definitions in src/cli by citty.

import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { PackageError, run } from './release.ts';

export interface Option {
  /** such as --config and -c */
  readonly names: readonly string[];
  /** what stands for the value in the help, such as DIR; null for an option without one */
  readonly hint: string | null;
  readonly description: string;
}

export interface Subcommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
}

export type Usage = readonly Subcommand[];

/** Asks the program, be it the executable or the source. */
export function askUsage(command: readonly string[]): Usage {
  const [program = '', ...words] = command;
  const help = (...more: string[]) => {
    const env = { ...process.env, NO_COLOR: '1', COLUMNS: '1000' };
    return stripVTControlCharacters(run(program, [...words, ...more, '--help'], env));
  };
  const subcommands = parseCommands(help());
  if (subcommands.length === 0) throw new PackageError(`${basename(program)} --help names no subcommands.`);
  return subcommands.map(({ name, description }) => ({
    name,
    description,
    options: parseOptions(help(name)),
  }));
}

/** Lines of two columns below a heading, until the next blank line behind them. */
function table(help: string, heading: string): [string, string][] {
  const [, below = ''] = help.split(new RegExp(`^${heading}\\s*$`, 'm'));
  const [block = ''] = below.replace(/^\s*\n/, '').split(/\n\s*\n/);
  return block.split('\n').flatMap((line) => {
    const found = /^\s*(\S.*?)\s{2,}(\S.*)$/.exec(line);
    return found === null ? [] : [[found[1] ?? '', (found[2] ?? '').trim()]];
  });
}

export function parseCommands(help: string): { name: string; description: string }[] {
  return table(help, 'COMMANDS').map(([name, description]) => ({ name, description }));
}

export function parseOptions(help: string): Option[] {
  const found = table(help, 'OPTIONS').map(([words, description]) => {
    const [, list = '', hint = null] = /^(.*?)(?:=<(.*)>)?$/.exec(words) ?? [];
    return { names: list.split(/,\s*/).filter((name) => /^--?\w/.test(name)), hint, description };
  });
  return [
    ...found.filter(({ names }) => names.length > 0),
    { names: ['--help'], hint: null, description: 'tell the options' },
  ];
}

const generated = '# Generated from what "qpsmtpd --help" says.';
/** An option's value that is a file or a folder, which a shell can complete. */
const isPath = ({ hint }: Option) => hint !== null && ['DIR', 'FILE', 'PATH'].includes(hint);
const allNames = (options: readonly Option[]) => options.flatMap(({ names }) => names);
const sorted = (names: readonly string[]) => [...new Set(names)].sort();

/** @param otherNames of the program, each for one of its subcommands: qpsmtpd-forkserver */
export function bashCompletion(usage: Usage, otherNames: readonly string[]): string {
  const cases = usage.map(({ name, options }) => `    ${name}) words='${allNames(options).join(' ')}' ;;`);
  const all = usage.flatMap(({ options }) => options);
  const paths = sorted(allNames(all.filter(isPath)));
  const values = sorted(allNames(all.filter(({ hint }) => hint !== null))).filter(
    (name) => !paths.includes(name),
  );
  return `${generated}
_qpsmtpd() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words= name
  name=\${COMP_WORDS[0]##*/}
  COMPREPLY=()
  case $before in
    ${paths.join(' | ')})
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    ${values.join(' | ')})
      return
      ;;
  esac
  case $name in
    qpsmtpd-*) name=\${name#qpsmtpd-} ;;
    *)
      name=\${COMP_WORDS[1]}
      if ((COMP_CWORD == 1)); then
        name=
        words='${usage.map((one) => one.name).join(' ')} --help --version'
      fi
      ;;
  esac
  case $name in
${cases.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o filenames -o bashdefault -F _qpsmtpd qpsmtpd ${otherNames.join(' ')}
`;
}

const zshText = (text: string) => text.replace(/'/g, `'\\''`).replace(/([[\]:])/g, '\\$1');

export function zshCompletion(usage: Usage, otherNames: readonly string[]): string {
  const commands = usage.map(({ name, description }) => `    '${name}:${zshText(description)}'`);
  const cases = usage.map(({ name, options }) => {
    const specs = options.flatMap((option) => {
      const value = option.hint === null ? '' : `:${zshText(option.hint)}:${isPath(option) ? '_files' : ''}`;
      return option.names.map((word) => `        '*${word}[${zshText(option.description)}]${value}'`);
    });
    return `    ${name})\n      _arguments \\\n${specs.join(' \\\n')} \\\n        '*:file:_files'\n      ;;`;
  });
  return `#compdef qpsmtpd ${otherNames.join(' ')}
${generated}
_qpsmtpd() {
  local -a commands
  local name=\${service#qpsmtpd-}
  commands=(
${commands.join('\n')}
  )
  if [[ $service == qpsmtpd ]]; then
    if ((CURRENT == 2)); then
      _describe -t commands 'subcommand' commands
      return
    fi
    name=$words[2]
    shift words
    ((CURRENT--))
  fi
  case $name in
${cases.join('\n')}
  esac
}
_qpsmtpd "$@"
`;
}

const fishText = (text: string) => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;

function fishOption(program: string, option: Option, condition: string): string {
  const words = option.names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  const value = option.hint === null ? '' : isPath(option) ? ' -r -F' : ' -x';
  return `complete -c ${program}${condition} ${words.join(' ')}${value} -d ${fishText(option.description)}`;
}

export function fishCompletion(usage: Usage): string {
  const lines = usage.flatMap(({ name, description, options }) => [
    `complete -c qpsmtpd -n __fish_use_subcommand -f -a ${name} -d ${fishText(description)}`,
    ...options.map((option) => {
      const condition = ` -n ${fishText(`__fish_seen_subcommand_from ${name}`)}`;
      return fishOption('qpsmtpd', option, condition);
    }),
  ]);
  return `${generated}\n${lines.join('\n')}\n`;
}

/** For a name of the program that stands for one of its subcommands: qpsmtpd-forkserver. */
export function fishCompletionFor(otherName: string, usage: Usage): string {
  const options = usage.find(({ name }) => otherName === `qpsmtpd-${name}`)?.options ?? [];
  return `${generated}\n${options.map((option) => fishOption(otherName, option, '')).join('\n')}\n`;
}
