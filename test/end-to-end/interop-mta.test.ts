// Postfix, Exim and OpenSMTPD hand on to our server what they are given: every message arrives once and whole, what is
// refused for now comes again, and what is refused for good comes back to its sender (as a bounce, by us again).

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { startExim } from '../support/exim.ts';
import { startOpenSmtpd } from '../support/opensmtpd.ts';
import { NEXT_HOP, type NextHop, type OtherMta, until, whyNotUnpacked } from '../support/other-mta.ts';
import { startPostfix, whyNoPostfix } from '../support/postfix.ts';
import { recordedMessages, recordLine } from '../support/recording-queue.ts';
import {
  arrives,
  bodyOf,
  bounces,
  isTold,
  SENDER,
  send,
  startFinalServer,
  withSubject,
} from '../support/relayed-mail.ts';
import type { TestServer } from '../support/server-process.ts';

const MANY = 100;
const AT_ONCE = 10;

interface Mta {
  readonly name: string;
  readonly skip: string | false;
  start(next: NextHop): Promise<OtherMta>;
  /** how it sends the octets of a message to a server that offers CHUNKING */
  readonly sendsBy: 'BDAT' | 'DATA';
  readonly speaksUtf8: boolean;
  /** parameters of MAIL and RCPT that it hands on of what it was told about notifications */
  readonly dsn: { readonly mail: readonly RegExp[]; readonly rcpt: readonly RegExp[] };
}

const mtas: readonly Mta[] = [
  {
    name: 'Postfix',
    skip: await whyNoPostfix(),
    start: startPostfix,
    sendsBy: 'DATA',
    speaksUtf8: true,
    dsn: {
      mail: [/ RET=HDRS/, / ENVID=id1/],
      rcpt: [/ NOTIFY=SUCCESS,FAILURE/, / ORCPT=rfc822;user@b\.example/],
    },
  },
  {
    name: 'Exim',
    skip: whyNotUnpacked('exim'),
    start: startExim,
    sendsBy: 'BDAT',
    speaksUtf8: true,
    dsn: {
      mail: [/ RET=HDRS/, / ENVID=id1/],
      rcpt: [/ NOTIFY=SUCCESS,FAILURE/, / ORCPT=rfc822;user@b\.example/],
    },
  },
  {
    name: 'OpenSMTPD',
    skip: whyNotUnpacked('opensmtpd'),
    start: startOpenSmtpd,
    sendsBy: 'DATA',
    speaksUtf8: false,
    dsn: {
      mail: [/ RET=HDRS/, / ENVID=id1/],
      rcpt: [/ NOTIFY=SUCCESS,FAILURE/, / ORCPT=rfc822;user@b\.example/],
    },
  },
];

/** One octet a character, as a client gives it to the other server. */
const messages: Readonly<Record<string, string>> = {
  plain: 'Subject: plain\r\n\r\nHello\r\n',
  '8-bit': 'Subject: 8-bit\r\n\r\n\xe4\xf6\xfc \xff\xfe\x80 \xc3\xa4\r\n',
  'leading dots': 'Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.text\r\n..text\r\n. \r\n.\r\nend\r\n',
  'lines of 990 octets': `Subject: long\r\n\r\n${`${'0123456789'.repeat(99)}\r\n`.repeat(20)}`,
  'blank lines': `Subject: blank\r\n\r\n${'\r\n'.repeat(50)}end\r\n\r\n\r\n`,
  '5 MB': `Subject: big\r\n\r\n${'All work and no play makes a big message.\r\n'.repeat(120_000)}`,
};

for (const { name, skip, start: startMta, sendsBy, speaksUtf8, dsn } of mtas) {
  describe(`${name} as a client`, { skip }, () => {
    let server: TestServer;
    let mta: OtherMta;
    before(async () => {
      server = await startFinalServer();
      mta = await startMta(server);
    });

    for (const [what, message] of Object.entries(messages)) {
      test(`hands a message on once and whole: ${what}`, async () => {
        const subject = /^Subject: (.*)\r/.exec(message)?.[1] ?? '';
        const sent = message.slice(message.indexOf('\r\n\r\n') + 4).replaceAll('\r\n', '\n');
        await send(mta, { to: ['user@b.example'] }, message);
        await arrives(server, mta, () => withSubject(server, subject).length > 0);
        const [recorded] = withSubject(server, subject);
        assert.equal(recorded?.envelope, `<${SENDER}> <user@b.example>`);
        assert.ok(
          recorded && bodyOf(recorded) === sent,
          `the body is another one: ${recorded?.content.slice(0, 2000)}`,
        );
        await isTold(server, sendsBy);
      });
    }

    test(`hands ${MANY} messages on, none lost and none twice`, async () => {
      const numbers = Array.from({ length: MANY }, (_, at) => `number ${at}`);
      for (let at = 0; at < MANY; at += AT_ONCE) {
        const some = numbers.slice(at, at + AT_ONCE);
        await Promise.all(
          some.map((text) => send(mta, { to: ['crowd@b.example'] }, `Subject: crowd\r\n\r\n${text}\r\n`)),
        );
      }
      await arrives(server, mta, () => withSubject(server, 'crowd').length >= MANY);
      const bodies = withSubject(server, 'crowd').map((one) => bodyOf(one).trim());
      assert.deepEqual(bodies.sort(), numbers.sort());
    });

    test('tries again what is refused for now, at RCPT and at the end of the message', async () => {
      for (const place of ['rcpt', 'data']) {
        await send(mta, { to: [`later-${place}@b.example`] }, `Subject: later-${place}\r\n\r\nbody\r\n`);
        await arrives(server, mta, () => withSubject(server, `later-${place}`).length > 0);
        await server.waitForLog(new RegExp(`4[0-9]{2} 4\\.7\\.1 (?:<.*> )?later ${place}`));
        assert.equal(withSubject(server, `later-${place}`).length, 1);
      }
      assert.deepEqual(bounces(server), []);
    });

    test('sends back what is refused for good, at RCPT and at the end of the message', async () => {
      for (const place of ['rcpt', 'data']) {
        await send(mta, { to: [`never-${place}@b.example`] }, `Subject: never-${place}\r\n\r\nbody\r\n`);
        const ofThis = () => bounces(server).filter(({ content }) => content.includes(`never ${place}`));
        await arrives(server, mta, () => ofThis().length > 0);
        assert.equal(ofThis().length, 1);
        assert.match(ofThis()[0]?.content ?? '', new RegExp(`never-${place}@b\\.example`));
      }
      assert.deepEqual(
        recordedMessages(server.dir).filter(({ envelope }) => envelope.includes('never')),
        [],
      );
    });

    test('sends back what is bigger than the server takes, which is told in EHLO (RFC 1870)', async () => {
      const small = await startFinalServer({ config: { databytes: '10000' } });
      const other = await startMta(small);
      await send(other, { to: ['user@b.example'] }, `Subject: big\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(200));
      // The bounce may be as big.
      await until(
        () => / 5\.3\.4 |dsn=5\.3\.4|message too large for peer/.test(other.log()),
        () => other.log(),
      );
      assert.deepEqual(withSubject(small, 'big'), []);
    });

    test('hands on what is wanted to be told about delivery (RFC 3461)', async () => {
      const wish = {
        id: 'id1',
        return: 'headers',
        notify: ['success', 'failure'],
        recipient: 'rfc822;user@b.example',
      };
      await send(mta, { to: ['user@b.example'], dsn: wish }, 'Subject: dsn\r\n\r\nbody\r\n');
      await arrives(server, mta, () => withSubject(server, 'dsn').length > 0);
      await isTold(server, 'MAIL', ...dsn.mail);
      await isTold(server, 'RCPT', ...dsn.rcpt);
    });

    test('hands on addresses in UTF-8 (RFC 6531)', {
      skip: !speaksUtf8 && `${name} does not know SMTPUTF8`,
    }, async () => {
      await send(mta, { to: ['gr\xfcn@b.example'] }, 'Subject: utf8\r\n\r\nbody\r\n');
      await arrives(server, mta, () => withSubject(server, 'utf8').length > 0);
      await isTold(server, 'MAIL', / SMTPUTF8/);
      assert.equal(withSubject(server, 'utf8')[0]?.envelope, `<${SENDER}> <gr\xc3\xbcn@b.example>`);
    });
  });

  describe(`${name} as a client, with TLS and a login`, { skip }, () => {
    test('hands a message on', async () => {
      const ca = makeCertificate('Test CA', { isCa: true });
      const certificate = makeCertificate(NEXT_HOP, { issuer: ca });
      const server = await startFinalServer({
        config: {
          plugins: ['tls @DIR@/cert.pem @DIR@/key.pem', 'auth/auth_flat_file', 'rcpt_ok', recordLine],
          rcpthosts: ['none.example'],
          flat_auth_pw: 'mta@b.example:secret word',
        },
        files: { 'cert.pem': certificate.cert, 'key.pem': certificate.key },
      });
      const login = { user: 'mta@b.example', password: 'secret word' };
      const mta = await startMta({ port: server.port, ca: ca.cert, login });
      await send(mta, { to: ['user@elsewhere.example'] }, messages['leading dots'] ?? '');
      await arrives(server, mta, () => withSubject(server, 'dots').length > 0);
      const [recorded] = withSubject(server, 'dots');
      assert.match(recorded?.content ?? '', /\n\tby \S+ \(qpsmtpd\/\S+\) with ESMTPSA /);
      assert.match(recorded?.content ?? '', /auth=pass \([a-z0-9-]+\) smtp\.auth=mta@b\.example/);
      assert.doesNotMatch(server.stderr(), /secret word/);
    });

    test("keeps a message back when the certificate is somebody else's", async () => {
      const ca = makeCertificate('Test CA', { isCa: true });
      const other = makeCertificate(NEXT_HOP, { issuer: makeCertificate('Another CA', { isCa: true }) });
      const server = await startFinalServer({
        config: { plugins: ['tls @DIR@/cert.pem @DIR@/key.pem', 'rcpt_ok', recordLine] },
        files: { 'cert.pem': other.cert, 'key.pem': other.key },
      });
      const mta = await startMta({ port: server.port, ca: ca.cert });
      await send(mta, { to: ['user@b.example'] }, messages['plain'] ?? '');
      await server.waitForLog(/STARTTLS[\s\S]*disconnecting/);
      assert.deepEqual(recordedMessages(server.dir), []);
    });
  });
}
