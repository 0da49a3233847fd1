// An SMTP client under TLS for tests: STARTTLS or TLS at once, and then the same dialog as in clear.

import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { cleanUp } from './cleanup.ts';
import { SmtpDialog } from './smtp-dialog.ts';

export interface TlsDialog {
  readonly client: SmtpDialog;
  readonly socket: TLSSocket;
}

/** Greeting, EHLO and STARTTLS in clear. Gives the socket on which the handshake is due. */
export async function readyForTls(port: number, verb = 'EHLO', pipelined = ''): Promise<Socket> {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  cleanUp(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  await reply(socket, /^220 .*\r\n$/);
  socket.write(`${verb} client.example\r\n`);
  await reply(socket, /^250[- ]STARTTLS\r\n(?:250-.*\r\n)*(?:250 .*\r\n)?$/m);
  socket.write(`STARTTLS\r\n${pipelined}`);
  await reply(socket, /^220 .*\r\n$/);
  return socket;
}

/** A session that has said STARTTLS and is under TLS; EHLO is yet to be said. */
export async function startTls(
  port: number,
  options: ConnectionOptions = {},
  verb = 'EHLO',
): Promise<TlsDialog> {
  return shakeHands(await readyForTls(port, verb), options);
}

/** TLS from the first octet on. */
export async function connectTls(port: number, options: ConnectionOptions = {}): Promise<TlsDialog> {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return shakeHands(socket, options);
}

/** @throws Error when the handshake fails */
export async function shakeHands(raw: Socket, options: ConnectionOptions = {}): Promise<TlsDialog> {
  const socket = connect({ socket: raw, rejectUnauthorized: false, ...options });
  cleanUp(() => void socket.destroy());
  await once(socket, 'secureConnect');
  // Node crashes when a socket is destroyed within this very callback.
  await new Promise((resolve) => setImmediate(resolve));
  return { client: new SmtpDialog(socket), socket };
}

async function reply(socket: Socket, whole: RegExp): Promise<void> {
  for (let text = ''; !whole.test(text); ) {
    const chunk = socket.read();
    if (chunk !== null) text += String(chunk);
    else if (socket.readableEnded || socket.destroyed)
      throw new Error(`closed where ${whole} was due: ${text}`);
    else await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  }
}
