import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseProxyAttributes } from '../../src/protocol/proxy-attributes.ts';

const ALL = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'SOURCE', 'IDENT'] as const;

function read(argument: string) {
  const attributes = parseProxyAttributes(argument, ALL);
  return 'problem' in attributes ? attributes.problem : Object.fromEntries(attributes);
}

describe('parseProxyAttributes', () => {
  it('reads names in any case, and values in xtext', () => {
    assert.deepEqual(read('name=Mx.example ADDR=192.0.2.1  Port=025 proto=esmtp HELO=a+20b LOGIN=u+2Bx@b'), {
      NAME: 'Mx.example',
      ADDR: '192.0.2.1',
      PORT: '25',
      PROTO: 'ESMTP',
      HELO: 'a b',
      LOGIN: 'u+x@b',
    });
  });

  it('reads IPv6 addresses with their prefix and without', () => {
    assert.deepEqual(read('ADDR=IPV6:2001:DB8:0::1'), { ADDR: '2001:db8::1' });
    assert.deepEqual(read('ADDR=2001:DB8:0::1'), { ADDR: '2001:db8::1' });
    assert.deepEqual(read('ADDR=IPv6:::ffff:192.0.2.1'), { ADDR: '192.0.2.1' });
  });

  it('takes what the proxy does not know as null', () => {
    assert.deepEqual(read('NAME=[UNAVAILABLE] ADDR=[tempunavail] SOURCE=[UNAVAILABLE]'), {
      NAME: null,
      ADDR: null,
      SOURCE: null,
    });
  });

  for (const argument of [
    '',
    'NAME',
    '=x',
    'DESTADDR=192.0.2.1',
    'NAME=a.example COLOUR=red',
    'NAME=',
    'NAME=a+20b',
    'NAME=a+0Ab',
    'NAME=a+',
    'NAME=a+2g',
    'NAME=a=b',
    'HELO=+00',
    'HELO=+0D',
    'HELO=+E9',
    'HELO=\xe9',
    `HELO=${'x'.repeat(256)}`,
    'LOGIN=+7F',
    'ADDR=192.0.2',
    'ADDR=IPV6:192.0.2.1.5',
    'PORT=65536',
    'PORT=-1',
    'PORT=1e3',
    'PROTO=HTTP',
    'SOURCE=ELSEWHERE',
  ]) {
    it(`refuses "${argument.slice(0, 40)}"`, () => assert.equal(typeof read(argument), 'string'));
  }

  it('takes a value of 255 octets', () => {
    const value = 'x'.repeat(255);
    assert.deepEqual(read(`HELO=${value}`), { HELO: value });
  });

  it('says nothing of the client in its complaint', () => {
    assert.equal(read('COLOUR=red'), `Syntax: ${ALL.map((name) => `${name}=value`).join(' ')}`);
    assert.equal(read('PORT=red'), 'the value of PORT is not valid');
  });
});
