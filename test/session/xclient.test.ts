// XCLIENT: what stays of the proxy (nothing), and who is believed. The conversation itself is in xclient.smtp.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProxyFacts } from '../../src/contract/connection.ts';
import type { HookTable } from '../../src/contract/hooks.ts';
import { declined, deny, disconnect, ok } from '../../src/contract/verdict.ts';
import { begin, type Talk, type TalkOptions } from './support.ts';

const PROXY = { ip: '127.0.0.1', host: 'localhost' };

function beginProxy(hooks: HookTable = {}, more: Partial<TalkOptions> = {}): Promise<Talk> {
  const config = { xclient_networks: ['127.0.0.1'], ...more.config };
  return begin({ plugins: { actor: hooks }, client: PROXY, ...more, config });
}

describe('XCLIENT', () => {
  it('forgets all that is known of the proxy: rights, login, notes, offers, results, what plugins keep', async () => {
    const counts: number[] = [];
    const talk = await beginProxy({
      connect: ({ connection }) => {
        if (connection.remoteIp === PROXY.ip) {
          connection.relayClient = true;
          connection.notes.set('karma', 5);
          connection.offer('XPROXY');
          connection.addAuthResult('iprev=pass');
        }
        counts.push(connection.notes.get('karma') ?? 0);
        return declined;
      },
    });
    await talk.say('EHLO proxy.example');
    const before = talk.session.connection;
    before.authentication = { mechanism: 'PLAIN', user: 'proxy', passed: true };
    assert.match(await talk.say('XCLIENT ADDR=198.51.100.7 NAME=c.example'), /^220 mx\.example ESMTP /);
    const { connection } = talk.session;
    assert.notEqual(connection, before, 'cells of plugins belong to the old one');
    assert.equal(connection.id, before.id);
    assert.equal(connection.relayClient, false);
    assert.equal(connection.authentication, null);
    assert.equal(connection.hello, null);
    assert.deepEqual(connection.authResults, []);
    assert.deepEqual(connection.capabilities, []);
    assert.deepEqual(counts, [5, 0]);
    assert.equal(connection.remoteInfo, 'c.example');
  });

  it('keeps the TLS that there is, and hears when the client leaves', async () => {
    const talk = await beginProxy();
    const tls = { protocol: 'TLSv1.3', cipher: 'X', serverName: null, isResumed: false };
    talk.session.connection.tls = { ...tls, clientCertificate: null, channelBinding: () => null };
    await talk.say('XCLIENT ADDR=198.51.100.7');
    assert.equal(talk.session.connection.tls?.cipher, 'X');
    talk.wire.break();
    assert.ok(talk.session.connection.signal.aborted);
  });

  it('leaves nothing of the name and port of the proxy to an address without them', async () => {
    const talk = await beginProxy();
    await talk.say('XCLIENT ADDR=198.51.100.7');
    const { connection } = talk.session;
    assert.equal(connection.remoteHost, 'Unknown');
    assert.equal(connection.remotePort, 0);
    await talk.say('XCLIENT NAME=named.example PORT=99 DESTADDR=192.0.2.99 DESTPORT=587');
    const named = talk.session.connection;
    assert.equal(named.remoteIp, '198.51.100.7');
    assert.deepEqual(
      [named.remoteHost, named.remotePort, named.localIp, named.localPort],
      ['named.example', 99, '192.0.2.99', 587],
    );
  });

  it('an address that the proxy does not know has no rights', async () => {
    const talk = await beginProxy();
    await talk.say('XCLIENT ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL]');
    assert.equal(talk.session.connection.remoteIp, '0.0.0.0');
    assert.equal(talk.session.connection.remoteHost, 'Unknown');
  });

  it('believes the proxy again, and not a client that was given a trusted address', async () => {
    const talk = await beginProxy();
    const proxies: (ProxyFacts | null)[] = [];
    for (const ip of ['198.51.100.7', '198.51.100.8']) {
      assert.match(await talk.say(`XCLIENT ADDR=${ip}`), /^220 /);
      proxies.push(talk.session.connection.proxy);
    }
    assert.deepEqual(proxies, [
      { by: 'XCLIENT', ip: PROXY.ip },
      { by: 'XCLIENT', ip: PROXY.ip },
    ]);
    const other = await beginProxy({}, { config: { xclient_networks: ['198.51.100.7'] } });
    assert.match(await other.say('XCLIENT ADDR=198.51.100.7'), /^500 /);
  });

  it('has connect hooks decide on the client: a refusal ends the connection in place of the greeting', async () => {
    const talk = await beginProxy({
      connect: ({ connection }) =>
        connection.remoteIp === '203.0.113.9' ? disconnect(deny('go away')) : declined,
    });
    assert.equal(await talk.say('XCLIENT ADDR=203.0.113.9', 'NOOP'), '550 5.7.1 go away');
    assert.ok(talk.isClosed);
  });

  it('gives the rights of the login that the proxy vouches for, until there is another client', async () => {
    const relays: boolean[] = [];
    const talk = await beginProxy({
      connect: ({ connection }) => {
        relays.push(connection.relayClient);
        return declined;
      },
    });
    await talk.say('XCLIENT ADDR=198.51.100.7 LOGIN=user+40b.example');
    assert.deepEqual(talk.session.connection.authentication, {
      mechanism: 'XCLIENT',
      user: 'user@b.example',
      passed: true,
    });
    assert.ok(talk.session.connection.relayClient);
    await talk.say('XCLIENT LOGIN=[UNAVAILABLE]');
    assert.equal(talk.session.connection.authentication, null);
    assert.equal(talk.session.connection.relayClient, false);
    assert.deepEqual(relays, [false, true, false]);
  });

  for (const [attributes, verb] of [
    ['HELO=c.example', 'ehlo'],
    ['HELO=c.example PROTO=ESMTP', 'ehlo'],
    ['PROTO=SMTP HELO=c.example', 'helo'],
  ] as const) {
    it(`${attributes}: hooks of ${verb.toUpperCase()} decide, and MAIL may come`, async () => {
      const heard: string[] = [];
      const hear = (kind: string) => (_at: unknown, host: string) => {
        heard.push(`${kind} ${host}`);
        return host === 'bad.example' ? deny('no such name') : ok();
      };
      const talk = await beginProxy({ helo: hear('helo'), ehlo: hear('ehlo') });
      assert.match(await talk.say(`XCLIENT ${attributes}`), /^220 /);
      assert.match(await talk.say('MAIL FROM:<>', 'RSET'), /^250 /);
      assert.deepEqual(heard, [`${verb} c.example`]);
      const refusal = await talk.say(`XCLIENT ${attributes.replace('c.example', 'bad.example')}`);
      assert.equal(refusal, '550 5.7.1 no such name');
      assert.match(await talk.say('MAIL FROM:<>'), /^503 /);
    });
  }

  it('counts in LMTP as well', async () => {
    const client = { ...PROXY, service: { tls: false, lmtp: true } };
    const talk = await begin({ client, config: { xclient_networks: ['127.0.0.1'] } });
    assert.match(await talk.say('XCLIENT ADDR=198.51.100.7 HELO=c.example'), /^220 mx\.example LMTP /);
    assert.equal(talk.session.connection.hello?.verb, 'lhlo');
  });

  it('is not offered where nobody is listed', async () => {
    const talk = await begin({ client: PROXY });
    assert.doesNotMatch(await talk.say('EHLO c.example'), /XCLIENT|XFORWARD/);
    assert.match(await talk.say('XCLIENT ADDR=198.51.100.7'), /^500 5\.5\.1 /);
  });
});
