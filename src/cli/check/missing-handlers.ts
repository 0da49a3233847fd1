// A server that cannot take any mail. It is a warning: senders are told to come back, so nothing is lost, and "none" is
// one of the choices that the Debian package offers.

import type { Finding } from '../../config/errors.ts';
import type { Engine } from '../../engine/engine.ts';

const needed = {
  rcpt: { effect: 'every recipient is refused (450)', hint: 'rcpt_ok is the usual one' },
  queue: { effect: 'no message can be taken (451)', hint: 'queue/maildir is one' },
} as const;

export function missingHandlerFindings({ chains, store: { dirs } }: Engine): Finding[] {
  // The first folder is where the file would be.
  const file = dirs.locate('plugins') ?? dirs.candidates('plugins')[0];
  return (['rcpt', 'queue'] as const)
    .filter((hook) => chains[hook].length === 0)
    .map((hook) => ({
      severity: 'warning',
      code: 'NO_PLUGIN_FOR_HOOK',
      where: file === undefined ? null : { file },
      text: `no plugin handles the hook ${hook}: ${needed[hook].effect}`,
      hint: needed[hook].hint,
    }));
}
