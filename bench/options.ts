// The command line.

import { parseArgs } from 'node:util';
import { targetForms } from './targets/index.ts';

export interface Options {
  readonly targets: readonly string[];
  readonly workloads: readonly string[];
  readonly rounds: number | null;
  readonly messages: number | null;
  readonly sessions: number | null;
  /** our server with no more plugins than it takes to receive a message */
  readonly bare: boolean;
  /** bound of one run, in seconds */
  readonly timeout: number;
  /** further arguments for node when our server runs from source */
  readonly nodeArgs: readonly string[];
  readonly json: string | null;
  readonly help: boolean;
}

export function usage(workloads: readonly string[]): string {
  return `Usage: npm run bench -- [options]

  --targets A,B,…    of ${targetForms.join(', ')}
                     (default qpsmtpd,smtp-sink); the first is what the others are compared with
  --workload A,B,…   of ${workloads.join(', ')} (default connections)
  --rounds N         runs of each target, interleaved (default 5, start 10)
  --messages N       messages of a run, in place of the workload's own number
  --sessions N       sessions at once, in place of the workload's own number
  --no-plugins       qpsmtpd with nothing but what it takes to receive a message
  --node-args ARGS   for node, when qpsmtpd runs from source, e.g. '--cpu-prof'
  --timeout N        seconds that one run may take (default 300)
  --json FILE        writes every value of every run
`;
}

/** @throws Error with a sentence for the user */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      targets: { type: 'string', default: 'qpsmtpd,smtp-sink' },
      workload: { type: 'string', default: 'connections' },
      rounds: { type: 'string' },
      messages: { type: 'string' },
      sessions: { type: 'string' },
      'no-plugins': { type: 'boolean', default: false },
      'node-args': { type: 'string', default: '' },
      timeout: { type: 'string', default: '300' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    targets: [...new Set(words(values.targets, /,/))],
    workloads: words(values.workload, /,/),
    rounds: positive('rounds', values.rounds),
    messages: positive('messages', values.messages),
    sessions: positive('sessions', values.sessions),
    bare: values['no-plugins'],
    timeout: positive('timeout', values.timeout) ?? 300,
    nodeArgs: words(values['node-args'], /\s+/),
    json: values.json ?? null,
    help: values.help,
  };
}

function words(text: string, between: RegExp): readonly string[] {
  return text.split(between).filter((word) => word !== '');
}

function positive(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} wants a number above 0, not '${text}'`);
  return Number(text);
}
