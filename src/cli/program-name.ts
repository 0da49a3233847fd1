// Which program this is: one executable goes by several names, as busybox does. Under the names of qpsmtpd's programs it
// takes their options; as `qpsmtpd` with a client on standard input it serves that client.

import { basename } from 'node:path';

const programs: Readonly<Record<string, string>> = {
  'qpsmtpd-forkserver': 'forkserver',
  'qpsmtpd-prefork': 'prefork',
};

export interface Call {
  /** as the caller has written it (argv[0]) */
  readonly name: string;
  /** what stands behind it */
  readonly words: readonly string[];
  /** asked only where it counts */
  readonly hasClient: () => boolean;
}

/** The words behind the name, with the subcommand that it stands for before them. */
export function wordsOf({ name, words, hasClient }: Call): string[] {
  const program = programs[basename(name)];
  if (program !== undefined) return [program, ...words];
  const [first] = words;
  const isPlain =
    first === undefined || (first.startsWith('-') && !['--help', '-h', '--version'].includes(first));
  return isPlain && hasClient() ? ['stdin', ...words] : [...words];
}
