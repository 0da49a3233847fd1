// Logging in to a server, RFC 4954: PLAIN, LOGIN or CRAM-MD5. A password goes over a network under TLS alone.

import { createHmac } from 'node:crypto';
import { RefusalError, type ServerLogin } from './outgoing-message.ts';
import { localReply, type ServerReply } from './server-reply.ts';

interface LoginMeans {
  /** names of mechanisms that the server offers, in capitals */
  readonly mechanisms: readonly string[];
  /** whether nobody can listen: TLS, or a server on this machine */
  readonly isPrivate: boolean;
  /** Sends a line and gives the reply. */
  command(line: string): Promise<ServerReply>;
}

type Dialog = (login: ServerLogin, ask: LoginMeans['command']) => Promise<ServerReply>;

const WELCOME = 235;
const GO_ON = 334;

const dialogs: Readonly<Record<string, Dialog>> = {
  async PLAIN({ user, password }, ask) {
    return ask(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`);
  },
  async LOGIN({ user, password }, ask) {
    let reply = await ask('AUTH LOGIN');
    if (reply.code === GO_ON) reply = await ask(base64(user));
    return reply.code === GO_ON ? ask(base64(password)) : reply;
  },
  async 'CRAM-MD5'({ user, password }, ask) {
    const reply = await ask('AUTH CRAM-MD5');
    if (reply.code !== GO_ON) return reply;
    const challenge = Buffer.from(reply.lines.join(''), 'base64');
    return ask(base64(`${user} ${createHmac('md5', password).update(challenge).digest('hex')}`));
  },
};

/** @throws RefusalError when there is no way to log in, or the server does not take the login */
export async function logIn(
  login: ServerLogin,
  { mechanisms, isPrivate, command }: LoginMeans,
): Promise<void> {
  const wanted = isPrivate ? ['PLAIN', 'LOGIN', 'CRAM-MD5'] : ['CRAM-MD5'];
  const dialog = dialogs[wanted.find((name) => mechanisms.includes(name)) ?? ''];
  if (dialog === undefined) {
    const why = isPrivate
      ? 'the server offers no AUTH that is known here'
      : 'passwords are not sent without TLS';
    throw new RefusalError('login', localReply(454, '4.7.0', why));
  }
  const reply = await dialog(login, command);
  if (reply.code !== WELCOME) throw new RefusalError('login', reply);
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
