// Mail that another mail server hands on to the server under test: sent, waited for, and looked at.

import assert from 'node:assert/strict';
import { createTransport } from 'nodemailer';
import { choosyLine, choosyPlugin } from './choosy-plugin.ts';
import { type OtherMta, until } from './other-mta.ts';
import { type RecordedMessage, recordedMessages, recordLine, recordPlugin } from './recording-queue.ts';
import { type ServerOptions, startServer, type TestServer } from './server-process.ts';

export const SENDER = 'sender@a.example';

/** A server that takes mail for a.example (bounces) and b.example, is choosy, and files what it takes. */
export function startFinalServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const { config, files, ...more } = options;
  return startServer({
    ...more,
    config: {
      plugins: [choosyLine, 'rcpt_ok', recordLine],
      rcpthosts: ['a.example', 'b.example'],
      extensions: ['DSN on', 'SMTPUTF8 on'],
      loglevel: 'debug',
      ...config,
    },
    files: { ...recordPlugin, ...choosyPlugin, ...files },
  });
}

export interface Sending {
  readonly to: readonly string[];
  /** as nodemailer has it */
  readonly dsn?: object;
}

/** Gives the other server a message, one octet a character; fails where it does not take it. */
export async function send(mta: OtherMta, { to, dsn }: Sending, message: string): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: mta.port, ignoreTLS: true });
  const envelope = { from: SENDER, to: [...to] };
  const raw = Buffer.from(message, 'latin1');
  const { accepted } = await transport.sendMail({ envelope, raw, ...(dsn !== undefined && { dsn }) });
  assert.deepEqual(accepted, to);
}

/** Waits for what is to come, and asks the other server to try again as long as it has not. */
export async function arrives(server: TestServer, mta: OtherMta, hasCome: () => boolean): Promise<void> {
  await until(
    async () => {
      if (hasCome()) return true;
      await mta.retry();
      return hasCome();
    },
    () => `it did not arrive:\n${mta.log().slice(-5000)}\n${server.stderr().slice(-5000)}`,
  );
}

export function bodyOf({ content }: RecordedMessage): string {
  return content.slice(content.indexOf('\n\n') + 2);
}

export function withSubject(server: TestServer, subject: string): readonly RecordedMessage[] {
  return recordedMessages(server.dir).filter(({ content }) =>
    content.slice(0, content.indexOf('\n\n') + 1).includes(`\nSubject: ${subject}\n`),
  );
}

/** What has come back to SENDER. */
export function bounces(server: TestServer): readonly RecordedMessage[] {
  return recordedMessages(server.dir).filter(({ envelope }) => envelope === `<> <${SENDER}>`);
}

/** The commands with this verb that the server was given, in their order. */
export function commands(server: TestServer, verb: string): readonly string[] {
  return [...server.stderr().matchAll(/ dispatching (.*)/g)].flatMap(([, line = '']) =>
    line.startsWith(verb) ? [line] : [],
  );
}

/** Waits for a command with this verb that has all the parts: the log may come after the message that it tells of. */
export async function isTold(server: TestServer, verb: string, ...parts: readonly RegExp[]): Promise<void> {
  await until(
    () => commands(server, verb).some((line) => parts.every((part) => part.test(line))),
    () => `no ${verb} with ${parts.join(' ')}:\n${commands(server, verb).join('\n')}`,
  );
}
