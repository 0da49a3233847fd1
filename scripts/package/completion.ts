// Completion for bash, zsh and fish, from what the program says of itself with --help: its subcommands, their options,
// and what each of them means.

import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { PackageError, run } from './release.ts';

export interface Option {
  /** such as --config */
  readonly name: string;
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
  const found = table(help, 'OPTIONS').map(([names, description]) => {
    const [, name = '', hint = null] = /(--[\w-]+|-\w)(?:=<(.*?)>)?$/.exec(names) ?? [];
    return { name, hint, description };
  });
  return [
    ...found.filter(({ name }) => name !== ''),
    { name: '--help', hint: null, description: 'tell the options' },
  ];
}

const generated = '# Generated from what "qpsmtpd --help" says.';
/** An option's value that is a file or a folder, which a shell can complete. */
const isPath = ({ hint }: Option) => hint !== null && /DIR|FILE|PATH/.test(hint);
const namesOf = (options: readonly Option[]) => options.map(({ name }) => name).join(' ');

export function bashCompletion(usage: Usage): string {
  const cases = usage.map(({ name, options }) => `    ${name}) words='${namesOf(options)}' ;;`);
  const paths = [...new Set(usage.flatMap(({ options }) => options.filter(isPath).map(({ name }) => name)))];
  return `${generated}
_qpsmtpd() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=
  COMPREPLY=()
  case $before in
    ${paths.sort().join(' | ')})
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
  esac
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  if ((COMP_CWORD == 1)); then words='${usage.map(({ name }) => name).join(' ')} --help --version'; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o filenames -o bashdefault -F _qpsmtpd qpsmtpd
`;
}

const zshText = (text: string) => text.replace(/'/g, `'\\''`).replace(/([[\]:])/g, '\\$1');

export function zshCompletion(usage: Usage): string {
  const commands = usage.map(({ name, description }) => `    '${name}:${zshText(description)}'`);
  const cases = usage.map(({ name, options }) => {
    const specs = options.map((option) => {
      const value = option.hint === null ? '' : `:${zshText(option.hint)}:${isPath(option) ? '_files' : ''}`;
      return `        '*${option.name}[${zshText(option.description)}]${value}'`;
    });
    return `    ${name})\n      _arguments \\\n${specs.join(' \\\n')} \\\n        '*:file:_files'\n      ;;`;
  });
  return `#compdef qpsmtpd
${generated}
_qpsmtpd() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe -t commands 'subcommand' commands
    return
  fi
  local name=$words[2]
  shift words
  ((CURRENT--))
  case $name in
${cases.join('\n')}
  esac
}
_qpsmtpd "$@"
`;
}

const fishText = (text: string) => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;

export function fishCompletion(usage: Usage): string {
  const lines = usage.flatMap(({ name, description, options }) => [
    `complete -c qpsmtpd -n __fish_use_subcommand -f -a ${name} -d ${fishText(description)}`,
    ...options.map((option) => {
      const word = option.name.startsWith('--') ? `-l ${option.name.slice(2)}` : `-s ${option.name.slice(1)}`;
      const value = option.hint === null ? '' : isPath(option) ? ' -r -F' : ' -x';
      const where = fishText(`__fish_seen_subcommand_from ${name}`);
      return `complete -c qpsmtpd -n ${where} ${word}${value} -d ${fishText(option.description)}`;
    }),
  ]);
  return `${generated}\n${lines.join('\n')}\n`;
}
