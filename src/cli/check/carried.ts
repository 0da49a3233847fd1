// Extensions that config/extensions turns on although the queue plugins cannot keep what they promise.

import type { Finding } from '../../config/errors.ts';
import { carriedExtensions } from '../../contract/plugin.ts';
import type { Engine } from '../../engine/engine.ts';

export function carriedFindings({ lines, lookup, store }: Engine): Finding[] {
  const queues = lines.filter(({ hooks }) => hooks.includes('queue'));
  if (queues.length === 0) return [];
  const switches = store.value('extensions');
  return carriedExtensions.flatMap((keyword): Finding[] => {
    const unable = queues.filter(({ carries }) => !carries.includes(keyword)).map(({ line }) => line.name);
    if (switches.get(keyword) !== true || unable.length === 0) return [];
    const line = lookup.fileLines('extensions').find(({ text }) => isLineOf(keyword, text));
    const isAll = unable.length === queues.length;
    return [
      {
        // Where some carry it, that may be what the operator wants: routes lead to those.
        severity: isAll ? 'warning' : 'info',
        code: 'NOT_CARRIED',
        where: line?.where ?? null,
        text: `${keyword} is offered to clients, but ${unable.join(', ')} cannot carry it on: ${effects[keyword]}`,
        hint: isAll ? 'take the line out' : null,
      },
    ];
  });
}

function isLineOf(keyword: string, text: string): boolean {
  return text.split(/\s+/, 1)[0]?.toUpperCase() === keyword;
}

const effects = {
  SMTPUTF8: 'such messages are refused, or arrive with addresses that nobody can answer',
  BINARYMIME: 'such messages are refused, or arrive damaged',
  DSN: 'reports that senders ask for are never sent',
  REQUIRETLS: 'messages that have to go over TLS are refused, or go without it',
  'MT-PRIORITY': 'priorities are lost',
} as const;
