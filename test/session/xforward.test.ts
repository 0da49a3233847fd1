// XFORWARD (Postfix XFORWARD_README): facts for one transaction, which change nothing that the client may do.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { declined } from '../../src/contract/verdict.ts';
import { begin, MESSAGE, type Talk } from './support.ts';

async function filter(hooks: HookTable = {}): Promise<Talk> {
  const talk = await begin({
    plugins: { actor: hooks },
    client: { ip: '127.0.0.1', host: 'localhost' },
    config: { xforward_networks: ['127.0.0.0/8'] },
  });
  const reply = await talk.say('EHLO filter.example');
  assert.match(reply, /^250[- ]XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE$/m);
  assert.doesNotMatch(reply, /XCLIENT/);
  return talk;
}

const factsOf = ({ session }: Talk) => Object.fromEntries(session.connection.forwarded ?? []);

describe('XFORWARD', () => {
  it('gives facts piece by piece, and changes nothing of the connection', async () => {
    const talk = await filter();
    assert.equal(await talk.say('XFORWARD NAME=spike.example ADDR=198.51.100.7 PROTO=ESMTP'), '250 2.0.0 ok');
    assert.equal(
      await talk.say('xforward HELO=h.example IDENT=ABC SOURCE=REMOTE ADDR=IPV6:2001:DB8::1'),
      '250 2.0.0 ok',
    );
    assert.deepEqual(factsOf(talk), {
      NAME: 'spike.example',
      ADDR: '2001:db8::1',
      PROTO: 'ESMTP',
      HELO: 'h.example',
      IDENT: 'ABC',
      SOURCE: 'REMOTE',
    });
    await talk.say('XFORWARD NAME=[UNAVAILABLE] PROTO=[UNAVAILABLE] IDENT=[UNAVAILABLE]');
    assert.deepEqual(Object.keys(factsOf(talk)), ['ADDR', 'HELO', 'SOURCE']);
    const { connection } = talk.session;
    assert.equal(connection.remoteIp, '127.0.0.1');
    assert.equal(connection.hello?.host, 'filter.example');
    assert.equal(connection.proxy, null);
  });

  it('lasts for one message', async () => {
    const seen: (string | undefined)[] = [];
    const talk = await filter({
      queue: ({ connection }) => {
        seen.push(connection.forwarded?.get('ADDR'));
        return declined;
      },
    });
    const envelope = ['MAIL FROM:<>', 'RCPT TO:<b@b.example>', 'DATA'];
    await talk.say('XFORWARD ADDR=198.51.100.7', ...envelope);
    await talk.send(MESSAGE);
    await talk.say(...envelope);
    await talk.send(MESSAGE);
    assert.deepEqual(seen, ['198.51.100.7', undefined]);
  });

  for (const commands of [['MAIL FROM:<x@x.example>', 'RSET'], ['EHLO other.example']]) {
    it(`is over with ${commands.join(', ')}`, async () => {
      const talk = await filter();
      await talk.say('XFORWARD ADDR=198.51.100.7', ...commands);
      assert.equal(talk.session.connection.forwarded, null);
    });
  }

  it('is not over with a MAIL that was refused', async () => {
    const talk = await filter();
    await talk.say('XFORWARD ADDR=198.51.100.7', 'MAIL FROM:<x');
    assert.deepEqual(factsOf(talk), { ADDR: '198.51.100.7' });
  });

  it('comes before MAIL', async () => {
    const talk = await filter();
    assert.match(
      await talk.say('MAIL FROM:<>', 'XFORWARD ADDR=198.51.100.7'),
      /^503 5\.5\.1 say XFORWARD before MAIL$/m,
    );
    assert.equal(talk.session.connection.forwarded, null);
  });

  for (const words of ['ADDR', 'ADDR=x', 'LOGIN=me', 'NAME=a+0Ab', 'SOURCE=HERE', 'IDENT=+E9']) {
    it(`refuses ${words}, and keeps what there is`, async () => {
      const talk = await filter();
      await talk.say('XFORWARD IDENT=1');
      assert.match(await talk.say(`XFORWARD HELO=x ${words}`), /^501 5\.5\.4 /);
      assert.deepEqual(factsOf(talk), { IDENT: '1' });
    });
  }
});
