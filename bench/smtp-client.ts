// An SMTP client of a few lines, for what smtp-source cannot do: sessions at rest, and the time of single ones.

import { once } from 'node:events';
import { connect } from 'node:net';

export interface SmtpClient {
  /** the next reply, all its lines. @throws Error when the server hangs up or the signal aborts */
  reply(): Promise<string>;
  /** Sends a line and reads the reply. @throws Error when its code does not begin with `expected` */
  command(line: string, expected: string): Promise<string>;
  close(): void;
}

/** Connects to 127.0.0.1. The greeting is the first reply. */
export async function openClient(port: number, signal: AbortSignal): Promise<SmtpClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.setEncoding('latin1');
  let received = '';
  let ended: Error | null = null;
  let wake: (() => void) | null = null;
  const end = (error: Error) => {
    ended ??= error;
    wake?.();
  };
  const abort = () => socket.destroy(new Error('stopped'));
  signal.addEventListener('abort', abort, { once: true });
  socket.on('data', (text) => {
    received += text;
    wake?.();
  });
  socket.on('error', end);
  socket.on('close', () => {
    signal.removeEventListener('abort', abort);
    end(new Error('the server hung up'));
  });
  await once(socket, 'connect');

  async function reply(): Promise<string> {
    while (!isComplete(received)) {
      if (ended !== null) throw ended;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const text = received;
    received = '';
    return text;
  }

  async function command(line: string, expected: string): Promise<string> {
    socket.write(`${line}\r\n`);
    const text = await reply();
    if (!text.startsWith(expected)) throw new Error(`'${line.slice(0, 40)}' was answered '${text.trim()}'`);
    return text;
  }

  return { reply, command, close: () => socket.destroy() };
}

// One command is under way at a time, so whatever has come belongs to one reply.
function isComplete(received: string): boolean {
  return /(?:^|\r\n)\d{3} [^\r\n]*\r\n$/.test(received) || /(?:^|\r\n)\d{3}\r\n$/.test(received);
}
