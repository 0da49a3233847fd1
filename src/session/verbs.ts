// The commands that the core knows. Whatever else comes goes to the hook unrecognized_command.

import type { Verb } from './verb.ts';
import { auth } from './verbs/auth.ts';
import { bdat } from './verbs/bdat.ts';
import { data } from './verbs/data.ts';
import { ehlo } from './verbs/ehlo.ts';
import { helo } from './verbs/helo.ts';
import { help } from './verbs/help.ts';
import { lhlo } from './verbs/lhlo.ts';
import { mail } from './verbs/mail.ts';
import { noop } from './verbs/noop.ts';
import { quit } from './verbs/quit.ts';
import { rcpt } from './verbs/rcpt.ts';
import { rset } from './verbs/rset.ts';
import { vrfy } from './verbs/vrfy.ts';
import { xclient } from './verbs/xclient.ts';
import { xforward } from './verbs/xforward.ts';

export const verbs: ReadonlyMap<string, Verb> = new Map(
  [ehlo, helo, auth, mail, rcpt, data, bdat, rset, noop, vrfy, help, quit, lhlo, xclient, xforward].map(
    (verb) => [verb.name, verb],
  ),
);
