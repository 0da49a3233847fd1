// Whatever an address may be, it is one address to whoever it is handed to: random ones, and the same ones each time.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Address, type AtEnvelope, type Connection, type Envelope } from 'qpsmtpd';
import { bsmtpCommands } from '../../../plugins/queue/_bsmtp.ts';
import { envelopeRecords } from '../../../plugins/queue/_cleanup-envelope.ts';
import { readAttributes } from '../../../plugins/queue/_cleanup-records.ts';
import { addressText, UnfitAddressError } from '../../../plugins/queue/_handed-address.ts';
import { argumentsOf, OptionLikeError, readCommand } from '../../../plugins/queue/_pipe-command.ts';
import { frame } from '../../../plugins/queue/_qmqp.ts';

const ROUNDS = 300;
const ALPHABET = [...'abc-+.@,;:<> "\\\'`$(){}|&!#%*?/[]=~^0ü用T-F\u00b7'];

/** A small generator of numbers below a bound (Lehmer): the same ones each time. */
function numbers(): (bound: number) => number {
  let state = 42;
  return (bound) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
}

/** As a client would have to write them, and as the server has read them. */
function* randomAddresses(): Generator<Address> {
  const below = numbers();
  for (let round = 0; round < ROUNDS; ) {
    const local = Array.from({ length: 1 + below(12) }, () => ALPHABET[below(ALPHABET.length)]).join('');
    const path = `<"${local.replace(/["\\]/g, '\\$&')}"@example.org>`;
    const address = Address.parse(path, { utf8: true });
    if (address === null) continue;
    assert.equal(address.localPart, local);
    round++;
    yield address;
  }
}

const addresses = [...randomAddresses()];
const sender = Address.parse('<sender@a.example>') ?? Address.nullSender;
const transaction: Partial<Envelope> = {
  sender,
  recipients: addresses,
  params: new Map(),
  paramsOf: () => new Map(),
  startedAt: new Date(0),
};
const connection: Partial<Connection> = {
  remoteIp: '192.0.2.1',
  remotePort: 1,
  remoteHost: 'a',
  localIp: '192.0.2.2',
  localPort: 25,
  hello: null,
  forwarded: null,
  authentication: null,
};
const scene: Partial<AtEnvelope> = {
  transaction: transaction as Envelope,
  connection: connection as Connection,
};
const at = scene as AtEnvelope;

describe('an address', () => {
  it('with its quotes is read as the same address', () => {
    for (const address of addresses) {
      assert.deepEqual(Address.parse(`<${addressText(address, 'quoted')}>`, { utf8: true }), address);
    }
  });

  it('without its quotes is the same up to the last @', () => {
    for (const address of addresses) {
      const text = addressText(address, 'plain');
      assert.equal(text.slice(0, text.lastIndexOf('@')), address.localPart);
    }
  });

  it('is one line of batched SMTP', () => {
    const lines = bsmtpCommands('me.example', at.transaction).toString().split('\n');
    assert.equal(lines.length, addresses.length + 4);
    for (const [index, line] of lines.slice(2, -2).entries()) {
      assert.deepEqual(Address.parse(line.replace(/^RCPT TO:/, ''), { utf8: true }), addresses[index]);
    }
  });

  it('is one netstring of QMQP', () => {
    let rest = frame({ sender, recipients: addresses }, 0).behind.subarray(1, -1);
    for (const address of [sender, ...addresses]) {
      const colon = rest.indexOf(':');
      const end = colon + 1 + Number(rest.toString('latin1', 0, colon));
      assert.equal(rest.toString('utf8', colon + 1, end), addressText(address, 'plain'));
      assert.equal(rest[end], 0x2c);
      rest = rest.subarray(end + 1);
    }
    assert.equal(rest.length, 0);
  });

  it('is one record of cleanup', () => {
    const octets = envelopeRecords(at, 0);
    const found: string[] = [];
    for (let place = readAttributes(octets)?.used ?? 0; place < octets.length; ) {
      const type = octets[place++];
      let length = 0;
      for (let shift = 0, more = true; more; shift += 7) {
        const octet = octets[place++] ?? 0;
        length |= (octet & 127) << shift;
        more = octet >= 128;
      }
      if (type === 0x52) found.push(octets.toString('utf8', place, place + length));
      place += length;
    }
    assert.deepEqual(
      found,
      addresses.map((address) => addressText(address, 'plain')),
    );
  });

  it('is one argument, and no option', () => {
    const plain = readCommand(`/bin/x \${recipient} a\${user} \${user}`);
    const guarded = readCommand(`/bin/x -- \${recipient} \${user}`);
    let refused = 0;
    for (const address of addresses) {
      const text = addressText(address, 'quoted');
      assert.deepEqual(argumentsOf(guarded, at, address, ''), ['--', text, address.localPart]);
      try {
        const args = argumentsOf(plain, at, address, '');
        assert.deepEqual(args, [text, `a${address.localPart}`, address.localPart]);
        assert.ok(!args.some((arg) => arg.startsWith('-')));
      } catch (error) {
        assert.ok(error instanceof OptionLikeError && error.isRecipient);
        assert.ok(address.localPart.startsWith('-'));
        refused++;
      }
    }
    assert.ok(refused > 0);
  });

  it('with a control character is handed to nobody', () => {
    for (let code = 0; code < 0x80; code++) {
      if (code >= 0x20 && code !== 0x7f) continue;
      const address = new Address(`a${String.fromCharCode(code)}b`, 'example.org');
      for (const form of ['quoted', 'plain'] as const) {
        assert.throws(() => addressText(address, form), UnfitAddressError);
      }
    }
  });
});
