// What transcripts of dnsbl and its neighbours cannot show: which questions are asked and when, and what is said once.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bundledPlugins } from '../../plugins/index.ts';
import * as api from '../../src/api.ts';
import { systemClock } from '../../src/cli/assemble.ts';
import { Stage } from '../../src/cli/transcript/stage.ts';
import type { DnsAnswer } from '../../src/contract/dns.ts';
import { definePlugin } from '../../src/contract/plugin.ts';
import { declined } from '../../src/contract/verdict.ts';
import { cleanUp } from '../support/cleanup.ts';
import { fakeResolver } from '../support/fake-resolver.ts';
import { stageWith, talkOn } from './plugin-talk.ts';

const NAME = '1.2.0.192.bl.example.org';
const dnsbl_zones = ['bl.example.org'];

describe('dnsbl', () => {
  it('warns of a zone that answers what is no listing once, not for each client', async () => {
    const dns = fakeResolver({ [NAME]: { A: ['203.0.113.1'] } });
    const stage = await stageWith(['dnsbl'], { dns, config: { dnsbl_zones } });
    for (let count = 0; count < 3; count++) assert.match((await talkOn(stage)).greeting, /^220 /);
    const warnings = stage.takeLog().filter((line) => line.includes('answers 203.0.113.1'));
    assert.equal(warnings.length, 1);
  });

  it('asks nobody without zones, and leaves a line out that is no zone', async () => {
    const dns = fakeResolver({ [NAME]: { A: ['127.0.0.2'] } });
    const without = await stageWith(['dnsbl'], { dns });
    assert.match((await talkOn(without)).greeting, /^220 /);
    assert.ok(without.takeLog().some((line) => line.endsWith('dnsbl: skip, no zones')));
    assert.deepEqual(dns.asked, []);
    const stage = await stageWith(['dnsbl'], { dns, config: { dnsbl_zones: ['bl..x', 'bl.example.org'] } });
    assert.match((await talkOn(stage)).greeting, /^550 /);
    assert.ok(stage.takeLog().some((line) => /dnsbl_zones:1: "bl\.\.x" is not a DNS zone/.test(line)));
  });

  it('asks nobody where RBLSMTPD is empty, nor where it has a text', async () => {
    for (const [RBLSMTPD, greeting] of [
      ['', /^220 /],
      ['no mail from here', /^450 4\.7\.1 no mail from here$/],
      ['- no mail from here', /^550 5\.7\.1 no mail from here$/],
    ] as const) {
      const dns = fakeResolver({ [NAME]: { A: ['127.0.0.2'] } });
      const config = new Map([['dnsbl_zones', dnsbl_zones]]);
      const plugins = ['dnsbl reject_type temp'];
      const stage = await Stage.open({
        program: { version: '0.0.0', bundled: bundledPlugins, api },
        setup: { plugins, logging: [], config, maps: new Map(), env: { RBLSMTPD } },
        clock: systemClock,
        pluginDirs: [],
        dns,
      });
      cleanUp(() => stage.close());
      assert.match((await talkOn(stage)).greeting, greeting);
      assert.deepEqual(dns.asked, []);
    }
  });

  it('only logs with reject 0', async () => {
    const dns = fakeResolver({ [NAME]: { A: ['127.0.0.2'] } });
    const stage = await stageWith(['dnsbl reject 0'], { dns, config: { dnsbl_zones } });
    assert.match((await talkOn(stage)).greeting, /^220 /);
    assert.ok(
      stage.takeLog().some((line) => line.endsWith('dnsbl: fail, tolerated, bl.example.org 127.0.0.2')),
    );
  });

  it('refuses at DATA a message that goes to others than postmaster, and takes one that does not', async () => {
    const dns = fakeResolver({ [NAME]: { A: ['127.0.0.2'] } });
    const lines = ['dnsbl reject naughty', 'naughty reject data reject_type perm'];
    const talk = await talkOn(await stageWith(lines, { dns, config: { dnsbl_zones } }));
    await talk.say('EHLO client.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<abuse@b.example>');
    await talk.say('RCPT TO:<user@b.example>');
    assert.match(await talk.say('DATA'), /^554 5\.7\.1 \(dnsbl\) mail from 192\.0\.2\.1 is refused/);
    await talk.say(
      'RSET',
      'MAIL FROM:<a@a.example>',
      'RCPT TO:<user@b.example>',
      'RCPT TO:<abuse@b.example>',
    );
    assert.match(await talk.say('DATA'), /^554 /, 'the last recipient does not decide');
    await talk.say('RSET', 'MAIL FROM:<a@a.example>', 'RCPT TO:<abuse@b.example>');
    assert.match(await talk.say('DATA'), /^354 /);
    assert.match(await talk.say('Subject: x', '', '.'), /^250 /);
  });

  it('gives no mark back that a login has cleared', async () => {
    const dns = fakeResolver({ [NAME]: { A: ['127.0.0.2'] } });
    const login = definePlugin({
      name: 'login',
      summary: 'makes a relay client as a login does',
      setup: () => ({
        noop(at) {
          at.connection.relayClient = true;
          at.connection.notes.delete('naughty');
          return declined;
        },
      }),
    });
    const lines = ['dnsbl reject naughty', 'login', 'naughty reject_type perm'];
    const talk = await talkOn(await stageWith(lines, { dns, config: { dnsbl_zones }, plugins: { login } }));
    await talk.say(
      'EHLO client.example',
      'MAIL FROM:<a@a.example>',
      'RCPT TO:<abuse@b.example>',
      'RSET',
      'NOOP',
    );
    await talk.say('MAIL FROM:<a@a.example>');
    assert.match(await talk.say('RCPT TO:<user@b.example>'), /^250 /);
  });
});

describe('dns_whitelist_soft', () => {
  it('asks when the client connects, and waits for the answer at RCPT alone', async () => {
    let asked = 0;
    let give: (answer: DnsAnswer<string>) => void = () => {};
    const resolve4 = () => {
      asked++;
      return new Promise<DnsAnswer<string>>((resolve) => {
        give = resolve;
      });
    };
    const dns = { ...fakeResolver({}), resolve4 };
    const config = { whitelist_zones: ['wl.example.org'], badrcptto: ['user@b.example'] };
    const stage = await stageWith(['dns_whitelist_soft', 'badrcptto'], { dns, config });
    const talk = await talkOn(stage);
    assert.match(talk.greeting, /^220 /);
    assert.equal(asked, 1);
    assert.match(await talk.say('HELO client.example'), /^250 /);
    assert.match(await talk.say('MAIL FROM:<a@a.example>'), /^250 /);
    talk.wire.send('RCPT TO:<user@b.example>\r\n');
    await new Promise(setImmediate);
    assert.equal(talk.wire.writes.length, 3, 'RCPT has no answer yet');
    give({ kind: 'answer', values: ['127.0.0.2'], ttl: 1 });
    assert.match(await talk.replies(), /^250 /);
    assert.match(await talk.say('RCPT TO:<user@b.example>'), /^250 /);
    assert.equal(asked, 1, 'one question for each connection');
  });
});

describe('rhsbl', () => {
  it('asks at MAIL for the domain that the client has given, as the DNS has it', async () => {
    const dns = fakeResolver({});
    const stage = await stageWith(['rhsbl'], {
      dns,
      config: { rhsbl_zones: ['rh.example.org', 'rh.example.net'] },
    });
    const talk = await talkOn(stage);
    assert.deepEqual(dns.asked, []);
    await talk.say('EHLO client.example', 'MAIL FROM:<a@A.example>');
    assert.deepEqual(dns.asked, ['A a.example.rh.example.org', 'A a.example.rh.example.net']);
  });
});
