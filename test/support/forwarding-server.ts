// Our server as one that hands messages on, and a client that gives it messages octet for octet.

import { type ServerOptions, startServer, type TestServer } from './server-process.ts';
import { type Expected, greeted, type SmtpDialog } from './smtp-dialog.ts';

/** @param queue the line of config/plugins that hands messages on */
export function startForwarder(queue: string, options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const { config, ...more } = options;
  return startServer({
    ...more,
    config: {
      plugins: ['rcpt_ok', queue],
      rcpthosts: ['b.example'],
      me: 'forwarder.example',
      loglevel: 'info',
      ...config,
    },
  });
}

export interface Sending {
  readonly to?: readonly string[];
  /** behind the address in MAIL and RCPT */
  readonly mailParams?: string;
  readonly rcptParams?: string;
  readonly by?: 'DATA' | 'BDAT';
}

/** Sends one message, one octet a character, and gives the reply to it. */
export async function sendTo(
  server: { readonly port: number },
  message: string,
  expected: Expected,
  sending: Sending = {},
): Promise<string> {
  const client = await greeted(server);
  try {
    return await sendBy(client, message, expected, sending);
  } finally {
    client.close();
  }
}

/** The same in a session that has been greeted; PRDR and its like are up to `mailParams`. */
export async function sendBy(
  client: SmtpDialog,
  message: string,
  expected: Expected,
  { to = ['user@b.example'], mailParams = '', rcptParams = '', by = 'DATA' }: Sending = {},
): Promise<string> {
  await client.command(`MAIL FROM:<sender@a.example>${mailParams}`, 250);
  for (const one of to) await client.command(`RCPT TO:<${one}>${rcptParams}`, 250);
  if (by === 'BDAT') {
    client.send(`BDAT ${message.length} LAST\r\n${message}`);
    return client.expect(expected);
  }
  await client.command('DATA', 354);
  client.send(`${message.replace(/^\./, '..').replaceAll('\n.', '\n..')}.\r\n`);
  return client.expect(expected);
}

/** Messages that any of the ways from one server to another may damage, one octet a character, with CRLF. */
export const delicateMessages: Readonly<Record<string, string>> = {
  plain: 'Subject: plain\r\n\r\nHello\r\n',
  'leading dots': 'Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.text\r\n..text\r\n. \r\n.\r\nend\r\n',
  '8-bit': 'Subject: 8-bit\r\n\r\n\xe4\xf6\xfc \xff\xfe\x80 \xc3\xa4\r\n',
  'an empty body': 'Subject: empty\r\n\r\n',
  'blank lines': `Subject: blank\r\n\r\n${'\r\n'.repeat(50)}end\r\n\r\n\r\n`,
  'lines of 990 octets': `Subject: long\r\n\r\n${`${'0123456789'.repeat(99)}\r\n`.repeat(20)}`,
  'a folded header': 'Subject: fold\r\n ed\r\n\tover lines\r\nX-Odd:nothing between\r\n\r\nbody\r\n',
};
