// The targets by name.

import { haraka } from './haraka.ts';
import { postfix } from './postfix.ts';
import { qpsmtpd, qpsmtpdForm } from './qpsmtpd.ts';
import { smtpServer } from './smtp-server.ts';
import { smtpSink } from './smtp-sink.ts';
import type { Target } from './target.ts';

export const targetForms = [qpsmtpdForm, 'haraka', 'smtp-server', 'smtp-sink', 'postfix'];

/** @throws Error naming what there is */
export function findTarget(name: string, nodeArgs: readonly string[]): Target {
  const own = qpsmtpd(name, nodeArgs);
  if (own !== null) return own;
  const peer = [haraka, smtpServer, smtpSink, postfix].find((target) => target.name === name);
  if (peer === undefined) throw new Error(`no target '${name}'; there are ${targetForms.join(', ')}`);
  return peer;
}
