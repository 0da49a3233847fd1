// swaks, curl, msmtp, Python's smtplib and nodemailer log in, under TLS by STARTTLS or from the first octet on, and
// send to anywhere. All of them check the certificate of the server.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { makeCertificate } from '../support/certificates.ts';
import { type Outcome, run } from '../support/program.ts';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';

// The server listens on 127.0.0.1; what the clients are told is a name, for that is what certificates have.
const HOST = 'localhost';
const SENDER = 'sender@a.example';
const RECIPIENT = 'user@elsewhere.example';
const USER = 'user@b.example';
const PASSWORD = 'correct horse "battery" staple';
const ca = makeCertificate('Test CA', { isCa: true });

interface Attempt {
  readonly server: TestServer;
  readonly port: number;
  readonly isImplicit: boolean;
  /** in capitals; null: without a login */
  readonly mechanism: string | null;
  readonly password: string;
  readonly subject: string;
  readonly caFile: string;
}

interface LoginClient {
  readonly name: string;
  readonly program: string | null;
  readonly mechanisms: readonly string[];
  /** Gives what the client has complained of; null when the message was taken. */
  deliver(attempt: Attempt): Promise<string | null>;
}

const text = (subject: string) => `Subject: ${subject}\r\n\r\nbody\r\n`;
const complaint = ({ code, stdout, stderr }: Outcome) => (code === 0 ? null : `${stdout}${stderr}`);

async function swaks(attempt: Attempt): Promise<string | null> {
  const { port, isImplicit, mechanism, password, subject, caFile } = attempt;
  const tls = ['--tls-verify', '--tls-ca-path', caFile, isImplicit ? '--tlsc' : '--tls'];
  const login =
    mechanism === null ? [] : ['--auth', mechanism, '--auth-user', USER, '--auth-password', password];
  const to = ['--server', `${HOST}:${port}`, '--from', SENDER, '--to', RECIPIENT];
  return complaint(await run('swaks', [...to, ...tls, ...login, '--data', text(subject).trimEnd()]));
}

async function curl(attempt: Attempt): Promise<string | null> {
  const { port, isImplicit, mechanism, password, subject, caFile } = attempt;
  const url = `${isImplicit ? 'smtps' : 'smtp'}://${HOST}:${port}/client.example`;
  const tls = ['--ssl-reqd', '--cacert', caFile];
  const login =
    mechanism === null ? [] : ['--user', `${USER}:${password}`, '--login-options', `AUTH=${mechanism}`];
  const mail = ['--mail-from', SENDER, '--mail-rcpt', RECIPIENT, '--upload-file', '-'];
  return complaint(
    await run('curl', ['--silent', '--show-error', url, ...tls, ...login, ...mail], { input: text(subject) }),
  );
}

async function msmtp(attempt: Attempt): Promise<string | null> {
  const { server, port, isImplicit, mechanism, password, subject, caFile } = attempt;
  const settings = [
    ['host', HOST],
    ['port', String(port)],
    ['tls', 'on'],
    ['tls_starttls', isImplicit ? 'off' : 'on'],
    ['tls_trust_file', caFile],
    ['from', SENDER],
    ['auth', mechanism === null ? 'off' : mechanism.toLowerCase()],
    ...(mechanism === null
      ? []
      : [
          ['user', USER],
          ['passwordeval', `cat ${join(server.dir, 'password')}`],
        ]),
  ];
  writeFileSync(join(server.dir, 'password'), `${password}\n`, { mode: 0o600 });
  const file = join(server.dir, 'msmtprc');
  writeFileSync(file, settings.map((line) => `${line.join(' ')}\n`).join(''), { mode: 0o600 });
  return complaint(await run('msmtp', ['-C', file, RECIPIENT], { input: text(subject) }));
}

async function python(attempt: Attempt): Promise<string | null> {
  const { port, isImplicit, mechanism, password, subject, caFile } = attempt;
  const program = `
import json, smtplib, ssl, sys
a = json.load(sys.stdin)
context = ssl.create_default_context(cafile=a['caFile'])
if a['isImplicit']:
    client = smtplib.SMTP_SSL(a['host'], a['port'], context=context)
else:
    client = smtplib.SMTP(a['host'], a['port'])
    client.starttls(context=context)
client.ehlo()
if a['mechanism']:
    client.user, client.password = a['user'], a['password']
    client.auth(a['mechanism'], getattr(client, 'auth_' + a['mechanism'].lower().replace('-', '_')))
client.sendmail(a['sender'], [a['recipient']], a['text'])
client.quit()
`;
  const facts = { host: HOST, port, isImplicit, mechanism, password, caFile, user: USER };
  const input = JSON.stringify({ ...facts, sender: SENDER, recipient: RECIPIENT, text: text(subject) });
  return complaint(await run('python3', ['-c', program], { input }));
}

async function nodemailer(attempt: Attempt): Promise<string | null> {
  const { port, isImplicit, mechanism, password, subject } = attempt;
  const login = mechanism === null ? {} : { auth: { user: USER, pass: password }, authMethod: mechanism };
  const tls = { tls: { ca: ca.cert } };
  const transport = createTransport({
    host: HOST,
    port,
    secure: isImplicit,
    requireTLS: true,
    ...tls,
    ...login,
  });
  try {
    await transport.sendMail({ envelope: { from: SENDER, to: RECIPIENT }, raw: text(subject) });
    return null;
  } catch (error) {
    return String(error);
  }
}

const common = ['PLAIN', 'LOGIN', 'CRAM-MD5'];
const clients: readonly LoginClient[] = [
  { name: 'swaks', program: 'swaks', mechanisms: common, deliver: swaks },
  { name: 'curl', program: 'curl', mechanisms: common, deliver: curl },
  { name: 'msmtp', program: 'msmtp', mechanisms: [...common, 'SCRAM-SHA-256'], deliver: msmtp },
  { name: 'smtplib', program: 'python3', mechanisms: common, deliver: python },
  { name: 'nodemailer', program: null, mechanisms: common, deliver: nodemailer },
];

async function whyNot(program: string | null): Promise<string | false> {
  if (program === null || process.env['CI'] === 'true') return false;
  const { code } = await run('sh', ['-c', `command -v ${program}`]);
  if (code !== 0) return `${program} is not installed`;
  if (program !== 'swaks') return false;
  const { code: missing } = await run('perl', ['-MNet::SSLeay', '-e', '1']);
  return missing === 0 ? false : 'swaks knows nothing of TLS: Net::SSLeay is not installed';
}

async function startWithLogins(): Promise<TestServer> {
  const certificate = makeCertificate(HOST, { issuer: ca });
  return startServer({
    config: {
      plugins: ['tls @DIR@/cert.pem @DIR@/key.pem', 'auth/auth_flat_file', 'rcpt_ok', recordLine],
      rcpthosts: 'b.example',
      // Wrong passwords come here by the dozen, and nobody has the time to wait for the answers.
      auth_admin_networks: '127.0.0.0/8',
      flat_auth_pw: `${USER}:${PASSWORD}`,
      loglevel: 'debug',
    },
    files: { ...recordPlugin, 'cert.pem': certificate.cert, 'key.pem': certificate.key, 'ca.pem': ca.cert },
    args: ['--listen', '127.0.0.1:0,tls'],
  });
}

describe('logins under TLS', async () => {
  let server: TestServer;
  let tlsPort = 0;
  before(async () => {
    server = await startWithLogins();
    const [, port] = await server.waitForLog(/Listening on \S*?:(\d+)\S*tls/);
    tlsPort = Number(port);
  });

  const attempt = (isImplicit: boolean, mechanism: string | null, subject: string): Attempt => ({
    server,
    port: isImplicit ? tlsPort : server.port,
    isImplicit,
    mechanism,
    password: PASSWORD,
    subject,
    caFile: join(server.dir, 'ca.pem'),
  });
  const recorded = (subject: string) =>
    recordedMessages(server.dir).filter(({ content }) => content.includes(`\nSubject: ${subject}\n`));

  for (const { name, program, mechanisms, deliver } of clients) {
    describe(name, { skip: await whyNot(program) }, () => {
      for (const isImplicit of [false, true]) {
        const way = isImplicit ? 'TLS from the start' : 'STARTTLS';
        for (const mechanism of mechanisms) {
          test(`${way}, ${mechanism}: the message is taken`, async () => {
            const subject = `${name} ${mechanism} ${way}`;
            assert.equal(await deliver(attempt(isImplicit, mechanism, subject)), null);
            const [{ content = '', envelope = '' } = {}, ...more] = recorded(subject);
            assert.deepEqual(more, []);
            assert.equal(envelope, `<${SENDER}> <${RECIPIENT}>`);
            assert.match(content, /^\tby \S+ \(qpsmtpd\/\S+\) with ESMTPSA \(TLS_\S+ encrypted\);$/m);
            assert.match(content, new RegExp(`auth=pass \\(${mechanism}\\) smtp\\.auth=${USER}`, 'i'));
            assert.match(content, /\n\nbody\n$/);
          });
        }

        test(`${way}: a wrong password is refused`, async () => {
          for (const mechanism of mechanisms) {
            const wrong = { ...attempt(isImplicit, mechanism, `${name} wrong`), password: 'wrong' };
            assert.match((await deliver(wrong)) ?? '', /535|Login denied/, mechanism);
          }
          assert.deepEqual(recorded(`${name} wrong`), []);
        });

        test(`${way}: without a login the recipient is refused`, async () => {
          assert.match((await deliver(attempt(isImplicit, null, `${name} nobody`))) ?? '', /550/);
          assert.deepEqual(recorded(`${name} nobody`), []);
        });
      }
    });
  }

  test('no password is in the log, in clear or in Base64', () => {
    const log = server.stderr();
    assert.match(log, /auth_flat_file: pass/);
    const plain = Buffer.from(`\0${USER}\0${PASSWORD}`).toString('base64');
    for (const secret of [PASSWORD, Buffer.from(PASSWORD).toString('base64'), plain]) {
      assert.ok(!log.includes(secret), `the log has ${secret}`);
    }
  });
});
