import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import hostsAllow, { FirstMatch } from '../../plugins/hosts_allow.ts';
import { NetworkList } from '../../src/protocol/network.ts';
import { stageWith, talkOn } from './plugin-talk.ts';

const parse = hostsAllow.files?.hosts_allow.parse;
assert.ok(parse);

describe('lines of hosts_allow', () => {
  it('are an address, a constant and a message', () => {
    const { network, constant, message } = parse('  192.0.2.0/24\tDENY  go  away ');
    assert.deepEqual([network.bits, constant, message], [24, 'DENY', 'go  away']);
    assert.equal(parse('2001:db8:: DECLINED').message, '');
  });

  it('are refused without a constant, or with one that there is not', () => {
    assert.throws(() => parse('192.0.2.1'), {
      message: 'no constant such as DENY or DECLINED behind "192.0.2.1"',
    });
    assert.throws(() => parse('192.0.2.1 deny'), { message: /^"deny" is none of OK, / });
    assert.throws(() => parse('192.0.2.1 toString'), { message: /^"toString" is none of OK, / });
    assert.throws(() => parse('192.0.2 DENY'), { message: /is no whole address/ });
  });

  it('that are refused are left out, and named in the log', async () => {
    const config = { hosts_allow: ['192.0.2.1 DENYALL no', '192.0.2.1 DENY yes'] };
    const stage = await stageWith(['hosts_allow'], { config });
    assert.equal((await talkOn(stage)).greeting, '550 5.7.1 yes');
    const [line] = stage.takeLog();
    assert.match(
      line ?? '',
      /hosts_allow: error, .*hosts_allow:1: "DENYALL" is none of .*; the line is ignored$/,
    );
  });
});

describe('FirstMatch', () => {
  it('finds the first line that covers an address, as a walk through the list would', () => {
    let seed = 7;
    const upTo = (limit: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % limit;
    };
    const addresses = Array.from({ length: 400 }, () =>
      upTo(3) === 0 ? `2001:db8:${upTo(4).toString(16)}::${upTo(4)}` : `10.${upTo(3)}.${upTo(4)}.${upTo(4)}`,
    );
    const rules = addresses.slice(0, 20).map((address) => {
      const bits = (address.includes(':') ? 120 : 24) + upTo(9);
      return parse(`${address}/${bits} DENY`);
    });
    const index = new FirstMatch(rules);
    let found = 0;
    for (const address of addresses) {
      const walked = rules.find(({ network }) => new NetworkList([network]).contains(address)) ?? null;
      assert.equal(index.find(address), walked, address);
      if (walked !== null) found++;
    }
    assert.ok(found > 100 && found < addresses.length, `${found}`);
  });

  it('finds nothing in an empty list', () => {
    assert.equal(new FirstMatch([]).find('192.0.2.1'), null);
  });

  it('finds nothing for a client without an address', () => {
    assert.equal(new FirstMatch([parse('0.0.0.0/0 DENY'), parse('::/0 DENY')]).find(''), null);
  });
});
