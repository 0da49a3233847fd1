// The ways to a daemon that Node knows itself: a socket in the file system that takes a stream, TCP and UDP. Messages are
// those of RFC 3164, which every daemon reads; in a stream each ends with LF (RFC 6587 section 3.4.2), as no text has one.

import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { lookup } from 'node:dns';
import { connect, type Socket } from 'node:net';
import { CLOSE_MS, type LinkOwner, type LinkProblem, onceOnly, type SyslogLink } from './_syslog-link.ts';
import { type Sender, type SyslogMessage, showMessage } from './_syslog-message.ts';
import { explain } from './_syslog-problems.ts';

const CONNECT_MS = 10_000;

export interface Place {
  readonly host: string;
  readonly port: number;
}

type SharedOwner = ReturnType<typeof onceOnly>;

export function openStream(path: string, sender: Sender, owner: LinkOwner): SyslogLink {
  const show = (message: SyslogMessage) => `${showMessage(message, sender, false)}\n`;
  return new StreamLink(connect(path), show, path, onceOnly(owner));
}

export function openTcp(place: Place, sender: Sender, owner: LinkOwner): SyslogLink {
  const show = (message: SyslogMessage) => `${showMessage(message, sender, true)}\n`;
  const socket = connect({ ...place, keepAlive: true });
  return new StreamLink(socket, show, `${place.host} port ${place.port}`, onceOnly(owner));
}

export function openUdp(place: Place, sender: Sender, owner: LinkOwner): SyslogLink {
  return new DatagramLink(place, (message) => showMessage(message, sender, true), onceOnly(owner));
}

class StreamLink implements SyslogLink {
  readonly #socket: Socket;
  readonly #show: (message: SyslogMessage) => string;
  readonly #owner: SharedOwner;

  constructor(socket: Socket, show: (message: SyslogMessage) => string, target: string, owner: SharedOwner) {
    this.#socket = socket;
    this.#show = show;
    this.#owner = owner;
    const fail = (problem: LinkProblem) => {
      owner.failed(problem);
      socket.destroy();
    };
    socket.setTimeout(CONNECT_MS, () => fail(explain({ code: 'ETIMEDOUT' }, target)));
    socket.once('connect', () => socket.setTimeout(0));
    socket.on('error', (error) => fail(explain(error, target)));
    socket.on('close', () =>
      fail({ what: `${target} has closed the connection`, advice: 'it is opened anew' }),
    );
    // Nobody has anything to say to us.
    socket.resume();
    socket.unref();
  }

  send(messages: readonly SyslogMessage[]): void {
    this.#socket.write(messages.map(this.#show).join(''), 'latin1', (error) => {
      if (error == null) this.#owner.taken(messages.length);
    });
  }

  close(): Promise<void> {
    this.#owner.end();
    const socket = this.#socket;
    return new Promise((resolve) => {
      if (socket.closed) return resolve();
      const late = setTimeout(() => socket.destroy(), CLOSE_MS);
      socket.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      socket.end();
    });
  }

  abandon(): void {
    this.#owner.end();
    this.#socket.destroy();
  }
}

class DatagramLink implements SyslogLink {
  readonly #show: (message: SyslogMessage) => string;
  readonly #place: Place;
  readonly #owner: SharedOwner;
  #socket: Datagrams | null = null;
  /** what came before there was a socket; null once there is one */
  #early: SyslogMessage[] | null = [];
  #isOver = false;

  constructor(place: Place, show: (message: SyslogMessage) => string, owner: SharedOwner) {
    this.#place = place;
    this.#show = show;
    this.#owner = owner;
    lookup(place.host, (error, address, family) => {
      if (this.#isOver) return;
      if (error === null) this.#connect(address, family);
      else this.#fail(error);
    });
  }

  send(messages: readonly SyslogMessage[]): void {
    if (this.#early !== null) {
      this.#early.push(...messages);
      return;
    }
    for (const message of messages) {
      this.#socket?.send(Buffer.from(this.#show(message), 'latin1'), (error) => {
        if (error === null) this.#owner.taken(1);
        else this.#fail(error);
      });
    }
  }

  async close(): Promise<void> {
    this.abandon();
  }

  abandon(): void {
    this.#isOver = true;
    this.#owner.end();
    this.#socket?.close();
    this.#socket = null;
  }

  #connect(address: string, family: number): void {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    this.#socket = socket;
    socket.unref();
    socket.on('error', (error) => this.#fail(error));
    socket.connect(this.#place.port, address, (error?: Error) => {
      if (error !== undefined) return this.#fail(error);
      const early = this.#early ?? [];
      this.#early = null;
      this.send(early);
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#isOver) return;
    const { host, port } = this.#place;
    this.#owner.failed(explain(error, `${host} port ${port}`));
    this.abandon();
  }
}
