// The targets by name.

import { join } from 'node:path';
import { haraka } from './haraka.ts';
import { postfix } from './postfix.ts';
import { asExecutable, fromSource } from './qpsmtpd.ts';
import { smtpServer } from './smtp-server.ts';
import { smtpSink } from './smtp-sink.ts';
import type { Target } from './target.ts';

export const targetForms = [
  'qpsmtpd[@CHECKOUT]',
  'qpsmtpd-bin[@CHECKOUT]',
  'haraka',
  'smtp-server',
  'smtp-sink',
  'postfix',
];

/** @throws Error naming what there is */
export function findTarget(name: string, nodeArgs: readonly string[]): Target {
  const [kind = '', checkout = join(import.meta.dirname, '../..')] = name.split('@', 2);
  if (kind === 'qpsmtpd') return fromSource(name, checkout, nodeArgs);
  if (kind === 'qpsmtpd-bin') return asExecutable(name, checkout);
  const peer = [haraka, smtpServer, smtpSink, postfix].find((target) => target.name === name);
  if (peer === undefined) throw new Error(`no target '${name}'; there are ${targetForms.join(', ')}`);
  return peer;
}
