// PROXY headers on real sockets: who the client is from then on, and who is cut off.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection, Incoming } from '../../src/contract/connection.ts';
import { declined } from '../../src/contract/verdict.ts';
import { connect } from '../support/smtp-dialog.ts';
import { localHeader, serveProxies, tlsExtension, v2Header } from './proxy-support.ts';
import { until } from './support.ts';

const listed = { proxy_networks: ['127.0.0.1'] };
const V1 = 'PROXY TCP4 198.51.100.7 192.0.2.25 4711 465\r\n';

describe('a client behind a PROXY header', () => {
  it('is who the header says, for every hook and in every word', async () => {
    const told: unknown[] = [];
    const { port } = await serveProxies({
      config: listed,
      fromIp: 5,
      hooks: {
        'pre-connection': (_at, incoming: Incoming) => {
          told.push(incoming);
          return declined;
        },
        connect: ({ connection }) => {
          const { remoteIp, remotePort, remoteHost, localIp, localPort, proxy, service, tls } = connection;
          told.push({ remoteIp, remotePort, remoteHost, localIp, localPort, proxy, service, tls });
          return declined;
        },
      },
    });
    const client = await connect(port);
    client.send(V1);
    assert.match(await client.greet(), /Hi name-of-198\.51\.100\.7 \[198\.51\.100\.7\]/);
    const facts = { remoteIp: '198.51.100.7', remotePort: 4711, localIp: '192.0.2.25', localPort: 465 };
    assert.deepEqual(told, [
      { ...facts, connectionsFromIp: 1, maxFromIp: 5 },
      {
        ...facts,
        remoteHost: 'name-of-198.51.100.7',
        proxy: { by: 'PROXY', ip: '127.0.0.1' },
        service: { tls: false, lmtp: false },
        tls: null,
      },
    ]);
  });

  for (const [version, header] of [
    ['1', Buffer.from(V1)],
    ['2', v2Header('198.51.100.7', 4711)],
  ] as const) {
    it(`version ${version}: may have said more in the same segment`, async () => {
      const { port } = await serveProxies({ config: listed });
      const client = await connect(port);
      client.send(Buffer.concat([header, Buffer.from('EHLO c.example\r\nNOOP\r\n')]));
      await client.expect(220);
      await client.expect(/\[198\.51\.100\.7\]/);
      await client.expect(250);
    });

    it(`version ${version}: may come octet by octet`, async () => {
      const { port } = await serveProxies({ config: listed });
      const client = await connect(port);
      await client.trickle(header);
      assert.match(await client.greet(), /\[198\.51\.100\.7\]/);
    });
  }

  it('counts as from its own address, and is counted out again', async () => {
    const { port, limits, stage } = await serveProxies({ config: listed, fromIp: 1 });
    const begin = async (ip: string) => {
      const client = await connect(port);
      client.send(v2Header(ip, 1025));
      return client;
    };
    const first = await begin('198.51.100.7');
    await first.expect(220);
    const other = await begin('198.51.100.8');
    await other.expect(220);
    assert.equal(limits.countFrom('127.0.0.1'), 0);
    const second = await begin('198.51.100.7');
    await second.expect(/^421 4\.7\.0 too many connections from your address, try again later$/);
    await second.closed();
    assert.ok(stage.takeLog().some((line) => line.includes('198.51.100.7: too many connections from')));
    for (const client of [first, other, second]) client.close();
    await until(() => limits.total === 0);
    assert.equal(limits.addresses, 0);
  });

  it('does not have the rights of its proxy to XCLIENT', async () => {
    const { port } = await serveProxies({ config: { ...listed, xclient_networks: ['127.0.0.1'] } });
    for (const header of [Buffer.from(V1), Buffer.from('PROXY UNKNOWN\r\n')]) {
      const client = await connect(port);
      client.send(header);
      assert.doesNotMatch(await client.greet(), /XCLIENT/);
      await client.command('XCLIENT ADDR=192.0.2.99', /^500 5\.5\.1 /);
    }
  });

  it('has them where it is listed itself', async () => {
    const { port } = await serveProxies({ config: { ...listed, xclient_networks: ['198.51.100.7'] } });
    const client = await connect(port);
    client.send(V1);
    assert.match(await client.greet(), /XCLIENT/);
    await client.command('XCLIENT ADDR=203.0.113.1 NAME=c.example', 220);
    await client.command('EHLO c.example', /Hi c\.example \[203\.0\.113\.1\]/);
  });

  it('counts as encrypted when its TLS has ended at the proxy, and not on a listener that does TLS itself', async () => {
    const seen: Connection['tls'][] = [];
    const hooks = {
      connect: ({ connection }: { connection: Connection }) => {
        seen.push(connection.tls);
        return declined;
      },
    };
    const header = v2Header('198.51.100.7', 4711, tlsExtension);
    const { port } = await serveProxies({ config: listed, hooks });
    const client = await connect(port);
    client.send(header);
    await client.greet();
    assert.equal(seen[0]?.protocol, 'TLSv1.3');
    assert.equal(seen[0]?.cipher, 'SOME-CIPHER1');
    assert.equal(seen[0]?.channelBinding('tls-exporter'), null);

    const { port: tlsPort } = await serveProxies({ config: listed, hooks, words: { tls: true } });
    const other = await connect(tlsPort);
    other.send(header);
    assert.equal(await other.closed(), '');
    assert.equal(seen[1], null);
  });
});

describe('a proxy that speaks for itself', () => {
  it('is a client like any other', async () => {
    const { port, limits } = await serveProxies({ config: { ...listed, xclient_networks: ['127.0.0.1'] } });
    const client = await connect(port);
    client.send(localHeader);
    const reply = await client.greet();
    assert.match(reply, /\[127\.0\.0\.1\]/);
    assert.match(reply, /XCLIENT/);
    assert.equal(limits.countFrom('127.0.0.1'), 1);
  });

  it('goes as itself where it cannot say who its client is, which is logged', async () => {
    const { port, stage } = await serveProxies({ config: listed });
    const client = await connect(port);
    client.send('PROXY UNKNOWN\r\n');
    assert.match(await client.greet(), /\[127\.0\.0\.1\]/);
    assert.ok(stage.takeLog().some((line) => line.includes('does not tell who the client is')));
  });
});

describe('no greeting', () => {
  for (const [what, octets, why] of [
    ['no header', 'EHLO c.example\r\n', 'there is no PROXY header'],
    ['a malformed one', 'PROXY TCP4 198.51.100.7\r\n', 'bad PROXY header: its line is malformed'],
    ['half of one, and the end', 'PROXY TCP4 198.51', 'the connection ended before a PROXY header'],
  ] as const) {
    it(`for a proxy that sends ${what}`, async () => {
      const { port, limits, stage } = await serveProxies({ config: listed });
      const client = await connect(port);
      client.send(octets);
      if (!octets.endsWith('\n')) client.halfClose();
      assert.equal(await client.closed(), '');
      client.close();
      await until(() => limits.total === 0);
      assert.equal(limits.addresses, 0);
      assert.ok(stage.takeLog().some((line) => line.endsWith(`fail, 127.0.0.1: ${why}`)));
    });
  }

  it('for who leaves before the header, and nothing of it stays', async () => {
    const { port, limits } = await serveProxies({ config: listed });
    const client = await connect(port);
    client.send('PROXY ');
    await until(() => limits.total === 1);
    client.reset();
    await until(() => limits.total === 0);
    assert.equal(limits.addresses, 0);
  });

  it('for others than proxies where only proxies may connect, whatever they send', async () => {
    const { port, stage } = await serveProxies({
      config: { proxy_networks: ['192.0.2.0/24'] },
      words: { proxy: true },
    });
    const client = await connect(port);
    client.send(V1);
    assert.equal(await client.closed(), '');
    assert.ok(stage.takeLog().some((line) => line.includes('127.0.0.1: is not in proxy_networks')));
  });
});

describe('PROXY from anybody else', () => {
  it('is an unknown command', async () => {
    const { port } = await serveProxies({ config: { proxy_networks: ['192.0.2.0/24'] } });
    const client = await connect(port);
    client.send(V1);
    await client.expect(220);
    await client.expect(/^500 /);
    await client.command('EHLO c.example', /\[127\.0\.0\.1\]/);
  });
});
