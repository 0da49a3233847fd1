// What tcpserver and its kin tell of a client by the environment.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { peerFromEnvironment, serviceAt } from '../../src/server/super-server.ts';

const PLAIN = { tls: false, lmtp: false };
const whole = {
  PROTO: 'TCP',
  TCPLOCALIP: '192.0.2.25',
  TCPLOCALPORT: '25',
  TCPLOCALHOST: 'mx.example',
  TCPREMOTEIP: '198.51.100.7',
  TCPREMOTEPORT: '4711',
  TCPREMOTEHOST: 'client.example',
  TCPREMOTEINFO: 'user',
};
const peer = (env: Readonly<Record<string, string>>) => peerFromEnvironment(env, PLAIN);

describe('the environment of a super-server', () => {
  it('says who the client is', () => {
    assert.deepEqual(peer(whole), {
      remoteIp: '198.51.100.7',
      remotePort: 4711,
      remoteHost: 'client.example',
      remoteInfo: 'user@client.example',
      localIp: '192.0.2.25',
      localPort: 25,
      service: PLAIN,
    });
  });

  it('need not have more than the address', () => {
    assert.deepEqual(peer({ TCPREMOTEIP: '198.51.100.7' }), {
      remoteIp: '198.51.100.7',
      remotePort: 0,
      remoteHost: '[198.51.100.7]',
      remoteInfo: '[198.51.100.7]',
      localIp: '',
      localPort: 0,
      service: PLAIN,
    });
  });

  it('says nothing without an address: the socket is asked', () => {
    for (const env of [{}, { TCPREMOTEIP: '' }, { TCPREMOTEHOST: 'client.example' }, { PROTO: 'TCP' }]) {
      assert.equal(peer(env), null);
    }
  });

  it('has IPv6 addresses under either name', () => {
    const six = {
      TCP6REMOTEIP: '2001:db8::7',
      TCP6REMOTEPORT: '4711',
      TCP6LOCALIP: '2001:db8::25',
      TCP6LOCALPORT: '465',
    };
    const named = peer({ PROTO: 'TCP6', ...six });
    assert.deepEqual(
      [named?.remoteIp, named?.remotePort, named?.localIp, named?.localPort, named?.remoteHost],
      ['2001:db8::7', 4711, '2001:db8::25', 465, '[2001:db8::7]'],
    );
    assert.equal(peer({ PROTO: 'TCP6', TCPREMOTEIP: '2001:db8::7' })?.remoteIp, '2001:db8::7');
  });

  it('has mapped addresses as the IPv4 ones that they are', () => {
    const mapped = peer({ TCPREMOTEIP: '::ffff:198.51.100.7', TCPLOCALIP: '::ffff:192.0.2.25' });
    assert.deepEqual([mapped?.remoteIp, mapped?.localIp], ['198.51.100.7', '192.0.2.25']);
  });

  it('is refused with an address that is none', () => {
    for (const bad of [
      'client.example',
      '198.51.100',
      '198.51.100.7 ',
      '1.2.3.4\r\nX: y',
      '2001:db8::7::1',
    ]) {
      assert.throws(() => peer({ ...whole, TCPREMOTEIP: bad }), {
        message: /^TCPREMOTEIP is ".*", which is no IP address$/s,
      });
    }
    assert.throws(() => peer({ TCP6REMOTEIP: 'x' }), {
      message: 'TCP6REMOTEIP is "x", which is no IP address',
    });
  });

  it('brings nothing into headers that strangers have made up', () => {
    const evil = peer({
      ...whole,
      TCPREMOTEHOST: 'a\r\nb (c) <d>.example',
      TCPREMOTEINFO: 'u\r\nX: (y)\0@z',
    });
    assert.equal(evil?.remoteHost, 'abcd.example');
    assert.equal(evil?.remoteInfo, 'uXyz@abcd.example');
    const long = peer({ ...whole, TCPREMOTEHOST: 'h'.repeat(5000), TCPREMOTEINFO: 'i'.repeat(5000) });
    assert.equal(long?.remoteHost.length, 255);
    assert.equal(long?.remoteInfo.length, 255 + 1 + 255);
    assert.equal(peer({ ...whole, TCPREMOTEHOST: '\r\n' })?.remoteHost, '[198.51.100.7]');
  });

  it('takes a port that is none for unknown', () => {
    for (const bad of ['', '-1', '65536', '25x', '2.5', 'Infinity']) {
      const odd = peer({ ...whole, TCPREMOTEPORT: bad, TCPLOCALPORT: bad });
      assert.deepEqual([odd?.remotePort, odd?.localPort], [0, 0], bad);
    }
  });

  it('asks for TLS by port 465, as --listen does, and leaves the rest to the options', () => {
    assert.deepEqual(peer({ ...whole, TCPLOCALPORT: '465' })?.service, { tls: true, lmtp: false });
    assert.deepEqual(serviceAt(25, { tls: true, lmtp: true }), { tls: true, lmtp: true });
    assert.deepEqual(serviceAt(0, PLAIN), PLAIN);
  });
});
