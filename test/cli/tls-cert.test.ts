// `qpsmtpd tls-cert` as a process of its own.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cleanUp } from '../support/cleanup.ts';
import { plainEnv, runProgram } from '../support/program.ts';

const DAY_MS = 86_400_000;

function stage() {
  const cwd = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(cwd, { recursive: true }));
  mkdirSync(join(cwd, 'config'));
  writeFileSync(join(cwd, 'config', 'me'), 'mx.example\n');
  return {
    cwd,
    run: (...args: readonly string[]) =>
      runProgram(['tls-cert', '--config', 'config', ...args], { cwd, env: plainEnv(cwd) }),
    read: (name: string) => readFileSync(join(cwd, 'ssl', `qpsmtpd-${name}`), 'utf8'),
    mode: (name: string) => statSync(join(cwd, 'ssl', `qpsmtpd-${name}`)).mode & 0o777,
  };
}

describe('tls-cert', () => {
  it('makes what the plugin tls looks for, named as config/me says, and tells what to do with it', async () => {
    const { run, read, mode } = stage();
    const { code, stdout, stderr } = await run();
    assert.equal(code, 0, stderr);
    const certificate = new X509Certificate(read('server.crt'));
    assert.equal(certificate.subject, 'CN=mx.example');
    assert.equal(certificate.subjectAltName, 'DNS:mx.example');
    assert.ok(certificate.checkPrivateKey(createPrivateKey(read('server.key'))));
    const { validFromDate, validToDate } = certificate;
    assert.equal(validToDate.getTime() - validFromDate.getTime(), 825 * DAY_MS);
    assert.ok(validFromDate.getTime() < Date.now());
    assert.equal(read('ca.crt'), read('server.crt'));
    assert.match(read('server.csr'), /^-----BEGIN CERTIFICATE REQUEST-----\n/);
    assert.equal(mode('server.key'), 0o600);
    assert.equal(mode('server.crt') & 0o444, 0o444);
    for (const file of ['server.key', 'server.crt', 'server.csr', 'ca.crt']) {
      assert.ok(stdout.includes(`ssl/qpsmtpd-${file}: `), file);
    }
    assert.match(stdout, /^In config\/plugins: tls\n/m);
    assert.ok(!stdout.includes('PRIVATE KEY'));
  });

  it('takes the options of qpsmtpd, further names, another folder and kind of key', async () => {
    const { cwd, run } = stage();
    const subject = ['--C', 'DE', '--ST', 'Hesse', '--L', 'Kassel', '--O', 'A, B', '--OU', 'Mail'];
    const names = ['--CN', 'mail.example', '--email', 'me@example.com', '--name', '192.0.2.1'];
    const { code, stdout, stderr } = await run(
      ...[...subject, ...names, '--dir', 'etc/tls', '--key', 'rsa', '--days', '7'],
    );
    assert.equal(code, 0, stderr);
    const certificate = new X509Certificate(readFileSync(join(cwd, 'etc/tls/qpsmtpd-server.crt')));
    assert.deepEqual(
      { ...certificate.toLegacyObject().subject },
      {
        C: 'DE',
        ST: 'Hesse',
        L: 'Kassel',
        O: 'A, B',
        OU: 'Mail',
        CN: 'mail.example',
        emailAddress: 'me@example.com',
      },
    );
    assert.equal(certificate.subjectAltName, 'DNS:mail.example, IP Address:192.0.2.1');
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
    assert.equal(certificate.validToDate.getTime() - certificate.validFromDate.getTime(), 7 * DAY_MS);
    assert.ok(
      stdout.includes(
        'In config/plugins: tls etc/tls/qpsmtpd-server.crt etc/tls/qpsmtpd-server.key etc/tls/qpsmtpd-ca.crt\n',
      ),
    );
  });

  it('makes files that the plugin takes, with the line that it tells', async () => {
    for (const args of [[], ['--dir', './ssl/', '--force'], ['--dir', 'more keys']]) {
      const { cwd, run } = stage();
      const { stdout } = await run(...args);
      const line = /^In config\/plugins: (.*)$/m.exec(stdout)?.[1] ?? '';
      assert.match(line, args[1] === 'more keys' ? /^tls "more keys\/.*" "/ : /^tls$/);
      writeFileSync(join(cwd, 'config', 'plugins'), `${line}\nrcpt_ok\nqueue/maildir Maildir\n`);
      const options = { cwd, env: plainEnv(cwd) };
      const checked = await runProgram(['check-config', '--config', 'config'], options);
      assert.equal(checked.code, 0, checked.stderr);
    }
  });

  it('does not touch what is there, unless it is told to replace it', async () => {
    const { run, read } = stage();
    await run();
    const before = [read('server.key'), read('server.crt'), read('server.csr')];
    const again = await run('--CN', 'other.example');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^error: ssl\/qpsmtpd-server\.key is there already: .*--force/);
    assert.deepEqual([read('server.key'), read('server.crt'), read('server.csr')], before);

    assert.equal((await run('--force')).code, 0);
    assert.notEqual(read('server.key'), before[0]);
    assert.ok(new X509Certificate(read('server.crt')).checkPrivateKey(createPrivateKey(read('server.key'))));
  });

  it('does not replace a certificate either whose key lies elsewhere', async () => {
    const { cwd, run, read } = stage();
    mkdirSync(join(cwd, 'ssl'));
    writeFileSync(join(cwd, 'ssl/qpsmtpd-server.crt'), 'bought');
    const { code, stderr } = await run();
    assert.equal(code, 1);
    assert.match(stderr, /qpsmtpd-server\.crt is there already: --force replaces/);
    assert.equal(read('server.crt'), 'bought');
    assert.ok(!existsSync(join(cwd, 'ssl/qpsmtpd-server.key')));
  });

  it('makes a request alone with the key that is there, for a renewal', async () => {
    const { run, read } = stage();
    await run();
    const [key, certificate, request] = [read('server.key'), read('server.crt'), read('server.csr')];
    const { code, stdout, stderr } = await run('--csr-only', '--name', 'mail.example');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /qpsmtpd-server\.key: the private key as it was/);
    assert.equal(read('server.key'), key);
    assert.equal(read('server.crt'), certificate);
    assert.notEqual(read('server.csr'), request);
    assert.ok(Buffer.from(read('server.csr').replace(/-.*\n/g, ''), 'base64').includes('mail.example'));
  });

  it('makes a request and its key where there is none', async () => {
    const { cwd, run, mode } = stage();
    const { code, stderr } = await run('--csr-only');
    assert.equal(code, 0, stderr);
    assert.equal(mode('server.key'), 0o600);
    assert.ok(!existsSync(join(cwd, 'ssl/qpsmtpd-server.crt')));
  });

  it('says what is wrong with a key that it cannot read', async () => {
    const { cwd, run, read } = stage();
    mkdirSync(join(cwd, 'ssl'));
    writeFileSync(join(cwd, 'ssl/qpsmtpd-server.key'), 'not a key');
    const { code, stderr } = await run('--csr-only');
    assert.equal(code, 1);
    assert.match(stderr, /^error: ssl\/qpsmtpd-server\.key: /);
    assert.equal(read('server.key'), 'not a key');
  });

  for (const args of [
    ['--days', '0'],
    ['--days', '99999'],
    ['--key', 'dsa'],
    ['--C', 'Germany'],
    ['--nmae', 'x'],
  ]) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { cwd, run } = stage();
      const { code, stderr } = await run(...args);
      assert.equal(code, 2);
      assert.match(stderr, /^error: .*\(see qpsmtpd tls-cert --help\)/);
      assert.ok(!existsSync(join(cwd, 'ssl')));
    });
  }

  it('says what is wrong with config/me', async () => {
    const { cwd, run } = stage();
    writeFileSync(join(cwd, 'config', 'me'), 'not a host\n');
    const { code, stderr } = await run();
    assert.equal(code, 1);
    assert.match(stderr, /^error: \S*config\/me:1: /);
  });

  it('says when the folder cannot be written to', async () => {
    const { cwd, run } = stage();
    writeFileSync(join(cwd, 'file'), '');
    const { code, stderr } = await run('--dir', 'file/ssl');
    assert.equal(code, 1);
    assert.match(stderr, /^error: file\/ssl: ENOTDIR/);
  });
});
