// `reject naughty` only marks a client; the plugin naughty refuses the marked ones at one moment. Here: marks that come
// when that moment is over, and marks that nobody reads.

import { type Finding, quoted } from '../../config/errors.ts';
import type { HookName } from '../../contract/hooks.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LoadedLine } from '../../engine/instantiate.ts';
import { nearPlace } from './where-beside.ts';

/** Hooks in which a mark may be made or read, in their order. */
const phases = [
  'connect',
  'ehlo',
  'helo',
  'mail',
  'rcpt',
  'data',
  'data_headers_end',
  'data_post_headers',
  'data_post',
] as const satisfies readonly HookName[];
type Phase = (typeof phases)[number];

export function naughtyFindings(engine: Engine): Finding[] {
  const readers = engine.lines.filter(({ plugins }) =>
    plugins.some(({ plugin }) => plugin.name === 'naughty'),
  );
  return engine.lines.filter(marks).flatMap((line): Finding[] => {
    const [reader] = readers;
    if (reader === undefined) return [unread(line)];
    const fates = readers.map((one) => fateOf(engine, line, one));
    if (fates.includes('refused')) return [];
    return [missed(line, reader, fates.includes('late') ? 'late' : 'never')];
  });
}

function marks({ instance: { reject, override } }: LoadedLine): boolean {
  return reject.mode === 'naughty' || override?.mode === 'naughty';
}

/** What becomes of a mark: refused as the operator wants it, behind the whole message, or not at all. */
function fateOf(engine: Engine, marker: LoadedLine, reader: LoadedLine): 'refused' | 'late' | 'never' {
  const marked = firstPhase(marker);
  const read = phases.filter((phase) => reader.hooks.includes(phase));
  // Without a phase to refuse in, naughty is there to write into the log.
  if (marked === undefined || read.length === 0) return 'refused';
  const met = read.filter((phase) => isAsked(engine, phase, marker, marked, reader));
  if (met.length === 0) return 'never';
  const isBeforeMessage = phases.indexOf(marked) <= phases.indexOf('data');
  return isBeforeMessage && met.length < read.length && met.every((phase) => phase === 'data_post')
    ? 'late'
    : 'refused';
}

function isAsked(
  engine: Engine,
  phase: Phase,
  marker: LoadedLine,
  marked: Phase,
  reader: LoadedLine,
): boolean {
  if (phase !== marked) return phases.indexOf(phase) > phases.indexOf(marked);
  const asked = engine.chains[phase].map(({ plugin }) => plugin);
  return asked.indexOf(marker.instance.id) < asked.indexOf(reader.instance.id);
}

function missed(marker: LoadedLine, reader: LoadedLine, fate: 'late' | 'never'): Finding {
  const { name, where } = marker.line;
  const marked = firstPhase(marker);
  const read = firstPhase(reader);
  const effect =
    fate === 'late'
      ? 'clients that it marks are not refused then, but with each whole message (data_post)'
      : 'clients that it marks are never refused, and their mail is taken';
  const place = `${quoted(reader.line.name)} (${nearPlace(reader.line.where, where)})`;
  return {
    severity: 'warning',
    code: 'MARKED_TOO_LATE',
    where,
    text: `plugin ${quoted(name)} has "reject naughty", but ${place} has looked for marks at ${read} by then: ${effect}`,
    hint:
      marked === read
        ? `put it above ${nearPlace(reader.line.where, where)}`
        : `it marks at ${marked}: give ${quoted(reader.line.name)} a later moment`,
  };
}

function firstPhase({ hooks }: LoadedLine): Phase | undefined {
  return phases.find((phase) => hooks.includes(phase));
}

function unread({ line: { name, where } }: LoadedLine): Finding {
  return {
    severity: 'warning',
    code: 'MARKED_FOR_NOBODY',
    where,
    text: `plugin ${quoted(name)} has "reject naughty", but no plugin "naughty" is loaded: nobody is refused`,
    hint: 'add the line "naughty" above rcpt_ok, or say "reject 1" here',
  };
}
