// config/bare_newline: whether a bare LF in a message is a line end for this client, or a reason to hang up.

import type { Session } from './session.ts';

export function refusesBareLf({ engine, connection }: Session): boolean {
  const { default: policy, networks } = engine.store.value('bare_newline');
  const special = networks.find(({ network }) => network.contains(connection.remoteIp));
  return (special?.policy ?? policy) === 'reject';
}
