import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client, type ClientLine } from '../../src/session/client.ts';

function makeClient(isClientGone: boolean): Client {
  const peer = {
    remoteIp: '192.0.2.1',
    remotePort: 1025,
    remoteHost: 'client.example',
    remoteInfo: 'client.example',
    localIp: '192.0.2.9',
    localPort: 25,
    service: { tls: false, lmtp: false },
  };
  const client = new Client('7.1', peer, new Date(0));
  const line: ClientLine = {
    isClientGone,
    startTls: () => Promise.reject(new Error('not here')),
    hasInput: () => Promise.resolve(false),
  };
  client.attach(line);
  return client;
}

describe('a client that closes its side', () => {
  for (const [isQueuing, isClientGone, expected] of [
    [true, true, true],
    [true, false, false],
    [false, true, false],
  ] as const) {
    const how = `${isQueuing ? 'while its message is queued' : 'at another time'}, with ${isClientGone ? 'nothing' : 'QUIT'} unread`;
    it(`${how}, ${expected ? 'is gone' : 'is there'}`, () => {
      const client = makeClient(isClientGone);
      client.isQueuing = isQueuing;
      const { signal } = client;
      client.leftWhileQueuing();
      assert.equal(signal.aborted, expected);
    });
  }
});
