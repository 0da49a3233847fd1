// A log entry as one line, in the shape of qpsmtpd that its log tools read:
// `ID (hook) plugin: text`. The ID is the process, or PID.N for one client of it.

import type { LogEntry } from './hooks.ts';

export function formatLogLine({ id, hook, plugin, text }: LogEntry): string {
  if (plugin !== null)
    return hook === null ? `${id} ${plugin}: ${text}` : `${id} (${hook}) ${plugin}: ${text}`;
  return hook === null ? `${id} ${text}` : `${id} (${hook}) running plugin: ${text}`;
}
