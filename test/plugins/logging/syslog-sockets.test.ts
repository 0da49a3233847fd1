// The ways that Node goes itself, each to a real socket.

import assert from 'node:assert/strict';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openStream, openTcp, openUdp } from '../../../plugins/logging/_syslog-sockets.ts';
import { eventually } from '../../support/processes.ts';
import { listener, makeFolder, message, sender, startDatagramDaemon } from './syslog-support.ts';

const TIME = 'Jan  5 09:08:07';

interface StreamDaemon {
  readonly server: Server;
  taken(): string;
  readonly clients: Set<Socket>;
}

async function streamDaemon(t: TestContext, where: { path: string } | { port: number; host: string }) {
  let text = '';
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.setEncoding('latin1').on('data', (data: string) => {
      text += data;
    });
    socket.on('error', () => {});
  });
  server.listen(where);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const client of clients) client.destroy();
  });
  const daemon: StreamDaemon = { server, taken: () => text, clients };
  return daemon;
}

function portOf(socket: Server | Datagrams): number {
  const address = socket.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

async function udpDaemon(t: TestContext) {
  const taken: string[] = [];
  const socket = createSocket('udp4', (datagram) => taken.push(datagram.toString('latin1')));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let isOpen = true;
  const close = () => {
    if (isOpen) socket.close();
    isOpen = false;
  };
  t.after(close);
  return { taken, port: portOf(socket), close };
}

describe('the way of logging/syslog by a stream', () => {
  it('sends messages without the name of the host, each with LF behind it', async (t) => {
    const path = join(makeFolder(), 'log');
    const daemon = await streamDaemon(t, { path });
    const heard = listener();
    const link = openStream(path, sender, heard.owner);
    link.send([message('a'), message('b', 19)]);
    await eventually('both are taken', () => heard.taken === 2);
    await link.close();
    const expected = `<22>${TIME} qpsmtpd[4711]: a\n<19>${TIME} qpsmtpd[4711]: b\n`;
    await eventually('both are there', () => daemon.taken() === expected);
    assert.deepEqual(heard.problems, []);
  });

  it('tells of a socket that is not there', async () => {
    const path = join(makeFolder(), 'log');
    const heard = listener();
    openStream(path, sender, heard.owner);
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.equal(heard.problems[0]?.what, `${path} is not there`);
    assert.match(heard.problems[0]?.advice ?? '', /^start the syslog daemon, or write socket PATH/);
  });

  it('tells of a socket that takes datagrams', async () => {
    const path = join(makeFolder(), 'log');
    await startDatagramDaemon(path);
    const heard = listener();
    openStream(path, sender, heard.owner);
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.deepEqual(heard.problems, [
      { what: `${path} takes datagrams, not a stream`, advice: 'write logsock unix' },
    ]);
  });
});

describe('the way of logging/syslog by TCP', () => {
  it('sends messages with the name of the host, and hears of the end', async (t) => {
    const daemon = await streamDaemon(t, { port: 0, host: '127.0.0.1' });
    const port = portOf(daemon.server);
    const heard = listener();
    const link = openTcp({ host: '127.0.0.1', port }, sender, heard.owner);
    link.send([message('a'), message('b')]);
    const expected = `<22>${TIME} mx qpsmtpd[4711]: a\n<22>${TIME} mx qpsmtpd[4711]: b\n`;
    await eventually('both are there', () => daemon.taken() === expected);
    assert.equal(heard.taken, 2);
    for (const client of daemon.clients) client.end();
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.deepEqual(heard.problems, [
      { what: `127.0.0.1 port ${port} has closed the connection`, advice: 'it is opened anew' },
    ]);
  });

  it('has not taken what nobody listens to', async (t) => {
    const daemon = await streamDaemon(t, { port: 0, host: '127.0.0.1' });
    const port = portOf(daemon.server);
    daemon.server.close();
    await once(daemon.server, 'close');
    const heard = listener();
    openTcp({ host: '127.0.0.1', port }, sender, heard.owner).send([message('a')]);
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.equal(heard.problems[0]?.what, `127.0.0.1 port ${port} has nobody listening`);
    assert.equal(heard.taken, 0);
  });
});

describe('the way of logging/syslog by UDP', () => {
  it('sends a datagram for each message, with the name of the host and no line end', async (t) => {
    const daemon = await udpDaemon(t);
    const heard = listener();
    const link = openUdp({ host: '127.0.0.1', port: daemon.port }, sender, heard.owner);
    link.send([message('a')]);
    await eventually('it is there', () => daemon.taken.length === 1 && heard.taken === 1);
    link.send([message('b'), message('<3>c')]);
    await eventually('all are there', () => daemon.taken.length === 3 && heard.taken === 3);
    await link.close();
    assert.deepEqual(
      daemon.taken,
      ['a', 'b', '<3>c'].map((text) => `<22>${TIME} mx qpsmtpd[4711]: ${text}`),
    );
  });

  it('tells of a port where nobody listens', async (t) => {
    const daemon = await udpDaemon(t);
    daemon.close();
    const heard = listener();
    const link = openUdp({ host: '127.0.0.1', port: daemon.port }, sender, heard.owner);
    t.after(() => link.abandon());
    link.send([message('a')]);
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.equal(heard.problems[0]?.what, `127.0.0.1 port ${daemon.port} has nobody listening`);
  });

  it('tells of a host that has no address', async () => {
    const heard = listener();
    // No resolver asks for that.
    openUdp({ host: '..', port: 514 }, sender, heard.owner).send([message('a')]);
    await eventually('it has failed', () => heard.problems.length > 0);
    assert.equal(heard.problems[0]?.what, '.. port 514 has no address');
    assert.equal(heard.taken, 0);
  });
});
