// What senders hear: delivery reports (RFC 3464, RFC 6533), and who gets which (RFC 3461).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EsmtpParams } from 'qpsmtpd';
import { type Message, newDisk, QUICK, SpoolWorld, type WorldSettings } from '../support/spool-world.ts';

const WHOLE = 'Subject: test\r\nX-Long: a\r\n b\r\n\r\nHello\r\n';

async function reports(message: Message, world: WorldSettings = {}) {
  const made = new SpoolWorld(newDisk(), world);
  made.queue.runner.start();
  await made.settle();
  const id = await made.take({ text: WHOLE, ...message });
  await made.until(() => made.isEmpty);
  const { sender = '<sender@example.net>' } = message;
  const found = made.hop.delivered.filter(({ recipient }) => recipient === sender);
  const [first] = found;
  return {
    id,
    found,
    text: first?.text ?? '',
    params: first?.params,
    others: made.hop.delivered.length - found.length,
  };
}

const never = ['<never-a@example.org>'];
const map = (entries: Readonly<Record<string, string | true>>): EsmtpParams =>
  new Map(Object.entries(entries));

/** Content types, and the parts themselves. */
function parts(text: string): { types: string[]; bodies: string[] } {
  const [, boundary = ''] = /boundary="([^"]+)"/.exec(text) ?? [];
  assert.ok(text.endsWith(`\r\n--${boundary}--\r\n`));
  const bodies = text.slice(0, -`\r\n--${boundary}--\r\n`.length).split(`--${boundary}\r\n`).slice(1);
  return { bodies, types: bodies.map((part) => /^Content-Type: ([^;\r]+)/.exec(part)?.[1] ?? '') };
}

describe('a report of failure', () => {
  it('has all that RFC 3464 asks for', async () => {
    const { id, text, found, params } = await reports({
      recipients: ['<b@example.org>', ...never],
      params: map({ ENVID: 'QQ+2B314' }),
      rcptParams: map({ ORCPT: 'rfc822;Bob+2Bx@example.org' }),
    });
    assert.equal(found.length, 1);
    assert.equal(found[0]?.sender, '<>');
    assert.deepEqual(params, map({ BODY: '7BIT' }));
    assert.deepEqual(found[0]?.rcptParams, map({ NOTIFY: 'NEVER' }));
    const date = String.raw`\w{3}, \d\d \w{3} 2023 \d\d:\d\d:\d\d [+-]\d{4}`;
    assert.match(
      text,
      new RegExp(
        `^Date: ${date}\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx\\.example>\r\nTo: <sender@example\\.net>\r\n` +
          `Subject: Your message could not be delivered\r\nMessage-ID: <${id}-f1@mx\\.example>\r\n` +
          'Auto-Submitted: auto-replied\r\nMIME-Version: 1\\.0\r\n' +
          'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="=_\\w+"\r\n\r\n',
      ),
    );
    const { types, bodies } = parts(text);
    assert.deepEqual(types, ['text/plain', 'message/delivery-status', 'message/rfc822']);
    assert.match(bodies[0] ?? '', /<never-a@example\.org>:\r\n {4}550 5\.1\.1 no such user\r\n/);
    assert.match(
      bodies[1] ?? '',
      new RegExp(
        '^Content-Type: message/delivery-status\r\n\r\n' +
          `Original-Envelope-Id: QQ\\+314\r\nReporting-MTA: dns; mx\\.example\r\nArrival-Date: ${date}\r\n\r\n` +
          'Original-Recipient: rfc822; Bob\\+x@example\\.org\r\nFinal-Recipient: rfc822; never-a@example\\.org\r\n' +
          'Action: failed\r\nStatus: 5\\.1\\.1\r\nDiagnostic-Code: smtp; 550 5\\.1\\.1 no such user\r\n' +
          `Last-Attempt-Date: ${date}\r\n\r\n?$`,
      ),
    );
    assert.equal(bodies[2], `Content-Type: message/rfc822\r\n\r\n${WHOLE}`);
  });

  it("has the next hop's own code where there is one", async () => {
    const { text } = await reports({ recipients: ['<full-a@example.org>', ...never] });
    assert.match(text, /^Diagnostic-Code: smtp; 552 5\.2\.2 over quota\r$/m);
    assert.match(text, /^ {4}552 5\.2\.2 over quota\r$/m);
    assert.match(text, /^Diagnostic-Code: smtp; 550 5\.1\.1 no such user\r$/m);
  });

  it('is one for all who failed in one attempt', async () => {
    const { found, text } = await reports({
      recipients: ['<never-a@example.org>', '<never-b@example.org>', '<c@example.org>'],
    });
    assert.equal(found.length, 1);
    assert.equal(text.match(/^Action: failed\r$/gm)?.length, 2);
  });

  const headersOnly: Readonly<Record<string, Message>> = {
    'RET=HDRS': { recipients: never, params: map({ RET: 'HDRS' }) },
    'a big message': {
      recipients: never,
      text: `${WHOLE}${'x'.repeat(60_000)}`,
      params: map({ RET: 'FULL' }),
    },
    'binary content': { recipients: never, params: map({ BODY: 'BINARYMIME' }) },
    REQUIRETLS: { recipients: never, params: map({ REQUIRETLS: true }) },
  };
  for (const [what, message] of Object.entries(headersOnly)) {
    it(`comes with the header alone: ${what}`, async () => {
      const { text, params } = await reports(message);
      const { types, bodies } = parts(text);
      assert.equal(types[2], 'text/rfc822-headers');
      assert.equal(
        bodies[2],
        'Content-Type: text/rfc822-headers\r\n\r\nSubject: test\r\nX-Long: a\r\n b\r\n',
      );
      // RFC 8689 section 5.
      assert.equal(params?.has('REQUIRETLS'), what === 'REQUIRETLS');
    });
  }

  it('says that octets beyond ASCII are in it', async () => {
    const { text, params } = await reports({
      recipients: never,
      text: Buffer.from('Subject: x\r\n\r\nGr\u00fc\u00dfe\r\n', 'latin1'),
    });
    assert.match(
      parts(text).bodies[2] ?? '',
      /^Content-Type: message\/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n/,
    );
    assert.equal(params?.get('BODY'), '8BITMIME');
    assert.equal(params?.has('SMTPUTF8'), false);
  });

  it('is in UTF-8 where the message needs SMTPUTF8 (RFC 6533)', async () => {
    const sender = '<jürgen@example.net>';
    const { found } = await reports({
      ...{ sender, recipients: ['<never-grüße@bücher.example>'], params: map({ SMTPUTF8: true }) },
      rcptParams: map({ ORCPT: 'utf-8;gr\\x{FC}n@example.org' }),
    });
    const [report] = found;
    assert.ok(report);
    const text = Buffer.from(report.text, 'latin1').toString('utf8');
    assert.equal(report.params.get('SMTPUTF8'), true);
    assert.match(text, /^To: <jürgen@example\.net>\r$/m);
    assert.match(text, /report-type=global-delivery-status;/);
    const { types, bodies } = parts(text);
    assert.deepEqual(types, ['text/plain', 'message/global-delivery-status', 'message/global']);
    assert.match(bodies[1] ?? '', /^Final-Recipient: utf-8; never-grüße@bücher\.example\r$/m);
    assert.match(bodies[1] ?? '', /^Original-Recipient: utf-8; gr\\x\{FC\}n@example\.org\r$/m);
  });

  it('holds no text of a stranger that could add a field', async () => {
    const { text } = await reports({
      recipients: never,
      params: map({ ENVID: 'a+0D+0ABcc:+20x' }),
      rcptParams: map({ ORCPT: 'rfc822;b+0D+0A+0D+0AFinal-Recipient:+20x' }),
    });
    assert.doesNotMatch(text, /^Bcc/m);
    assert.equal(text.match(/^Final-Recipient/gm)?.length, 1);
  });
});

describe('who hears what', () => {
  const later = ['<later-5-a@example.org>'];
  const relayed = ['<b@example.org>'];
  const settings = { plan: { ...QUICK.plan, lifetimeMs: 600_000 }, delayMs: 10_000 };
  const cases: readonly (readonly [string, Message, readonly string[], WorldSettings?])[] = [
    ['no wish, failed', { recipients: never }, ['failed']],
    ['no wish, delivered', { recipients: relayed }, []],
    ['no wish, late', { recipients: later }, []],
    ['NEVER, failed', { recipients: never, rcptParams: map({ NOTIFY: 'NEVER' }) }, []],
    ['SUCCESS, failed', { recipients: never, rcptParams: map({ NOTIFY: 'SUCCESS' }) }, []],
    [
      'failure,delay, failed',
      { recipients: never, rcptParams: map({ NOTIFY: 'failure,delay' }) },
      ['failed'],
    ],
    ['SUCCESS, delivered', { recipients: relayed, rcptParams: map({ NOTIFY: 'SUCCESS' }) }, ['relayed']],
    ['DELAY, late', { recipients: later, rcptParams: map({ NOTIFY: 'DELAY' }) }, ['delayed']],
    [
      'SUCCESS,DELAY, late',
      { recipients: later, rcptParams: map({ NOTIFY: 'SUCCESS,DELAY' }) },
      ['delayed', 'relayed'],
    ],
    ['no sender, SUCCESS', { sender: '<>', recipients: relayed, rcptParams: map({ NOTIFY: 'SUCCESS' }) }, []],
    [
      'SUCCESS that is passed on',
      { recipients: relayed, rcptParams: map({ NOTIFY: 'SUCCESS' }) },
      [],
      { carries: ['DSN'] },
    ],
  ];
  for (const [what, message, wanted, world = {}] of cases) {
    it(`${what}: ${wanted.join(', ') || 'nothing'}`, async () => {
      const { found } = await reports(message, { settings, ...world });
      assert.deepEqual(
        found.map(({ text }) => /^Action: (\w+)\r$/m.exec(text)?.[1]),
        wanted,
      );
    });
  }

  it('a report on delay tells until when it is tried, and comes once', async () => {
    const { text } = await reports({ recipients: later, rcptParams: map({ NOTIFY: 'DELAY' }) }, { settings });
    assert.match(text, /^Subject: Your message is late\r$/m);
    assert.match(text, /^Status: 4\.2\.1\r$/m);
    assert.match(text, /^Will-Retry-Until: \w{3}, \d\d Nov 2023 /m);
    assert.equal(parts(text).types[2], 'text/rfc822-headers');
  });
});
