// The commands that the core knows. Whatever else comes goes to the hook unrecognized_command.

import type { Verb } from './verb.ts';
import { data } from './verbs/data.ts';
import { ehlo } from './verbs/ehlo.ts';
import { helo } from './verbs/helo.ts';
import { help } from './verbs/help.ts';
import { mail } from './verbs/mail.ts';
import { noop } from './verbs/noop.ts';
import { quit } from './verbs/quit.ts';
import { rcpt } from './verbs/rcpt.ts';
import { rset } from './verbs/rset.ts';
import { vrfy } from './verbs/vrfy.ts';

export const verbs: ReadonlyMap<string, Verb> = new Map(
  [ehlo, helo, mail, rcpt, data, rset, noop, vrfy, help, quit].map((verb) => [verb.name, verb]),
);
