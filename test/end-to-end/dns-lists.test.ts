// Lists in the DNS with a DNS server that is not ours (dnsmasq), and with one that says nothing: dnsbl, rhsbl and
// dns_whitelist_soft in a running server, and what check-config says of their files.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { startDnsmasq } from '../support/dnsmasq.ts';
import { runProgram } from '../support/program.ts';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { connect, type SmtpDialog } from '../support/smtp-dialog.ts';

const V6 = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2';

const records = [
  ...['bl.example.org', 'own.example.org', 'rh.example.org', 'wl.example.org', 'arpa'].map(
    (zone) => `--local=/${zone}/`,
  ),
  // Whoever sells names that do not exist answers all of them.
  '--address=/hijacked.example.org/203.0.113.80',
  '--host-record=1.2.0.192.bl.example.org,127.0.0.2',
  '--txt-record=1.2.0.192.bl.example.org,spam came from here',
  '--host-record=2.2.0.192.own.example.org,127.0.0.4',
  `--host-record=${V6}.bl.example.org,127.0.0.2`,
  '--host-record=bad.example.rh.example.org,127.0.0.2',
  '--host-record=9.2.0.192.wl.example.org,127.0.9.1',
];

const config = {
  dnsbl_zones: [
    'hijacked.example.org',
    'bl.example.org',
    'own.example.org:listed, see https://www.example.org/%IP%',
  ],
  rhsbl_zones: 'rh.example.org',
  whitelist_zones: 'wl.example.org',
  badrcptto: 'closed@b.example',
  rcpthosts: 'b.example',
  me: 'mx.b.example',
  loglevel: '7',
  proxy_networks: '127.0.0.0/8',
};

/** A client of some address. */
async function from(server: TestServer, ip: string): Promise<SmtpDialog> {
  const dialog = await connect(server.port);
  const v6 = ip.includes(':');
  dialog.send(`PROXY TCP${v6 ? '6' : '4'} ${ip} ${v6 ? '2001:db8::25' : '192.0.2.25'} 49152 25\r\n`);
  return dialog;
}

describe('lists in the DNS', () => {
  let server: TestServer;

  before(async () => {
    const dns = await startDnsmasq(records);
    server = await startServer({
      config: {
        ...config,
        plugins: ['dns_whitelist_soft', 'dnsbl', 'rhsbl', 'badrcptto', 'rcpt_ok', recordLine],
      },
      files: recordPlugin,
      args: ['--dns', `${dns.address}:${dns.port}`],
    });
  });

  test('refuse a listed client with the text of the list, and hang up', async () => {
    const dialog = await from(server, '192.0.2.1');
    assert.equal(await dialog.closed(), '550 5.7.1 spam came from here\r\n');
    await server.waitForLog(/dnsbl: fail, bl\.example\.org 127\.0\.0\.2/);
  });

  test('refuse a listed client with the words of the file', async () => {
    const dialog = await from(server, '192.0.2.2');
    assert.equal(await dialog.closed(), '550 5.7.1 listed, see https://www.example.org/192.0.2.2\r\n');
  });

  test('refuse a listed client of IPv6', async () => {
    const dialog = await from(server, '2001:db8::1');
    assert.match(
      await dialog.closed(),
      /^550 5\.7\.1 mail from 2001:db8::1 is refused: it is listed by bl\.example\.org/,
    );
  });

  test('let other clients in, and refuse senders of a listed domain', async () => {
    const dialog = await from(server, '192.0.2.3');
    await dialog.greet();
    await dialog.command(
      'MAIL FROM:<a@bad.example>',
      /^550 5\.7\.1 mail from bad\.example is refused: listed by rh\./,
    );
    await dialog.command('MAIL FROM:<a@a.example>', 250);
    await dialog.command('RCPT TO:<closed@b.example>', 550);
    await dialog.command('RCPT TO:<user@b.example>', 250);
    await dialog.command('DATA', 354);
    await dialog.command('Subject: x\r\n\r\nbody\r\n.', 250);
    assert.equal(recordedMessages(server.dir).length, 1);
  });

  test('spare a whitelisted client the checks of its recipients', async () => {
    const dialog = await from(server, '192.0.2.9');
    await dialog.greet();
    await dialog.command('MAIL FROM:<a@a.example>', 250);
    await dialog.command('RCPT TO:<closed@b.example>', 250);
    await server.waitForLog(/dns_whitelist_soft: pass, wl\.example\.org 127\.0\.9\.1/);
  });

  test('that answer everything list nobody, and are told of once', async () => {
    await server.waitForLog(
      /dnsbl: error, hijacked\.example\.org answers 203\.0\.113\.80, which lists nobody/,
    );
    assert.equal(server.stderr().match(/hijacked\.example\.org answers/g)?.length, 1);
  });
});

describe('lists in a DNS that says nothing', () => {
  test('cost a client the time that they have, and no mail', async () => {
    const mute = createSocket('udp4');
    let questions = 0;
    mute.on('message', () => questions++);
    mute.bind(0, '127.0.0.1');
    await once(mute, 'listening');
    cleanUp(() => void mute.close());
    const lines = ['dns_whitelist_soft timeout 1', 'dnsbl timeout 1', 'rhsbl timeout 1'];
    const server = await startServer({
      config: { ...config, plugins: [...lines, 'badrcptto', 'rcpt_ok', recordLine] },
      files: recordPlugin,
      args: ['--dns', `127.0.0.1:${mute.address().port}`, '--no-rdns'],
    });
    const began = performance.now();
    const dialogs = await Promise.all(
      Array.from({ length: 20 }, (_, at) => from(server, `198.51.100.${at}`)),
    );
    const outcomes = dialogs.map(async (dialog) => {
      await dialog.greet();
      await dialog.command('MAIL FROM:<a@a.example>', 250);
      await dialog.command('RCPT TO:<user@b.example>', 250);
      await dialog.command('DATA', 354);
      await dialog.command('Subject: x\r\n\r\nbody\r\n.', 250);
    });
    await Promise.all(outcomes);
    const took = performance.now() - began;
    assert.ok(questions > 0, 'it was asked');
    // One second before the greeting, one at MAIL; the whitelist had its own during the first.
    assert.ok(took >= 1900 && took < 10_000, `${took} ms`);
    assert.equal(recordedMessages(server.dir).length, 20);
    await server.waitForLog(/dnsbl: error, bl\.example\.org: no answer in time/);
    await server.waitForLog(/dnsbl: skip, no list has answered/);
    await server.waitForLog(/rhsbl: skip, no list has answered/);
    await server.waitForLog(/dns_whitelist_soft: error, wl\.example\.org: no answer in time/);
  });

  test('do not keep a server from its end', async () => {
    const mute = createSocket('udp4').bind(0, '127.0.0.1');
    await once(mute, 'listening');
    cleanUp(() => void mute.close());
    const server = await startServer({
      config: { ...config, plugins: ['dns_whitelist_soft timeout 50', 'rcpt_ok', recordLine] },
      files: recordPlugin,
      args: ['--dns', `127.0.0.1:${mute.address().port}`, '--no-rdns'],
    });
    const dialog = await from(server, '198.51.100.1');
    await dialog.greet();
    dialog.close();
    assert.equal(await server.stop(), 0);
  });
});

test('check-config names file and line of a zone that is none, and warns of lists that have ended', async () => {
  const server = await startServer({
    config: {
      plugins: ['dnsbl', 'rhsbl', 'dns_whitelist_soft', 'rcpt_ok', recordLine],
      dnsbl_zones: ['# lists', 'bl.example.org', 'bl..example.org', 'http://bl.example.org/'],
      dnsbl_allow: '192.0.2.300',
      rhsbl_zones: ['dsn.rfc-ignorant.org does not accept bounces', 'rh.example.org:text'],
      whitelist_zones: '192.0.2.1',
      rcpthosts: 'b.example',
    },
    files: recordPlugin,
  });
  const { stdout, stderr } = await runProgram(['check-config', '--config', join(server.dir, 'config')]);
  const said = stdout + stderr;
  assert.match(
    said,
    /dnsbl_zones:3: .*"bl\.\.example\.org" is not a DNS zone: a part between its dots is empty/,
  );
  assert.match(said, /dnsbl_zones:4: .*"http:\/\/bl\.example\.org\/" is a URL, not a DNS zone/);
  assert.match(said, /dnsbl_allow:1: .*"192\.0\.2\.300"/);
  assert.match(said, /rhsbl_zones:1: .*the lists of rfc-ignorant\.org have ended/);
  assert.match(said, /rhsbl_zones:2: .*words stand behind a blank here/);
  assert.match(said, /whitelist_zones:1: .*"192\.0\.2\.1" is an address, not a DNS zone/);
  assert.doesNotMatch(said, /dnsbl_zones:2/);
});
