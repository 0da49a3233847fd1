// What is made is read by others: Node's X509Certificate and, where it is installed, openssl.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect, createServer, TLSSocket } from 'node:tls';
import { selfSigned, signingRequest, type Wanted } from '../../../src/cli/tls-cert/certificate.ts';
import { cleanUp } from '../../support/cleanup.ts';

const DAY_MS = 86_400_000;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const lifetime = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const keys: readonly (readonly [string, KeyObject])[] = [
  ['P-256', ec],
  ['RSA', rsa],
];

const plain = (key: KeyObject): Wanted => ({
  key,
  subject: [['CN', 'mx.example']],
  names: { dns: ['mx.example', '*.example.org'], ip: ['192.0.2.1', '2001:db8::1'] },
});

function openssl(input: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { input, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout + stderr;
}

describe('selfSigned', () => {
  for (const [name, key] of keys) {
    it(`is what was asked for, with a key of ${name}`, () => {
      const certificate = new X509Certificate(selfSigned(plain(key), lifetime));
      assert.equal(certificate.subject, 'CN=mx.example');
      assert.equal(certificate.issuer, 'CN=mx.example');
      assert.equal(
        certificate.subjectAltName,
        'DNS:mx.example, DNS:*.example.org, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1',
      );
      assert.equal(certificate.ca, false);
      assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
      assert.ok(certificate.checkPrivateKey(key));
      assert.ok(certificate.verify(certificate.publicKey));
      assert.equal(certificate.checkHost('mail.example.org'), '*.example.org');
      assert.equal(certificate.checkIP('192.0.2.1'), '192.0.2.1');
      const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
      assert.equal(seconds(certificate.validFromDate), seconds(lifetime.notBefore));
      assert.equal(seconds(certificate.validToDate), seconds(lifetime.notAfter));
    });

    it(`serves a TLS client that trusts it, with a key of ${name}`, async () => {
      const cert = selfSigned(plain(key), lifetime);
      const server = createServer({ cert, key: key.export({ type: 'pkcs8', format: 'pem' }) });
      server.on('secureConnection', (socket) => socket.end('hello'));
      server.on('tlsClientError', () => {});
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      cleanUp(() => void server.close());
      const { port } = server.address() as AddressInfo;
      const open = (options: object) => connect({ port, host: '127.0.0.1', ...options });

      const client = open({ ca: cert, servername: 'mx.example' });
      await once(client, 'secureConnect');
      assert.ok(client instanceof TLSSocket && client.authorized);
      client.destroy();

      const mistaken = open({ ca: cert, servername: 'other.example' });
      const [error] = await once(mistaken, 'error');
      assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
    });

    it(`passes the strict check of openssl, with a key of ${name}`, { skip: !hasOpenssl }, () => {
      const cert = selfSigned(plain(key), lifetime);
      const args = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'mx.example'];
      const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
      cleanUp(() => rmSync(dir, { recursive: true }));
      const file = join(dir, 'crt');
      writeFileSync(file, cert);
      openssl('', 'verify', '-CAfile', file, ...args, file);
      const text = openssl(cert, 'x509', '-noout', '-text');
      assert.match(text, /Key Usage: critical\s+Digital Signature(?:, Key Encipherment)?\n/);
      assert.equal(/Key Encipherment/.test(text), name === 'RSA');
      assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
      assert.match(text, /Extended Key Usage:\s+TLS Web Server Authentication\n/);
    });
  }

  it('has a serial number of its own each time, positive and of 16 octets', () => {
    const serials = Array.from(
      { length: 50 },
      () => new X509Certificate(selfSigned(plain(ec), lifetime)).serialNumber,
    );
    assert.equal(new Set(serials).size, serials.length);
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
  });

  it('can last beyond 2050, where the form of dates changes', () => {
    const notAfter = new Date(Date.UTC(2101, 0, 1));
    const certificate = new X509Certificate(selfSigned(plain(ec), { ...lifetime, notAfter }));
    assert.equal(certificate.validToDate.getTime(), notAfter.getTime());
  });

  it('takes every value of the subject as data', () => {
    const values = [
      ['ST', ' blanks around '],
      ['L', 'Köln, "Süd" 😀'],
      ['O', 'A, B/C="x"+y;<z>#\\ CN=evil.example'],
      ['OU', 'line\r\nfeed\nCN=evil.example'],
      ['CN', '#0403666f6f'],
    ] as const;
    const wanted = { ...plain(ec), subject: values };
    const certificate = new X509Certificate(selfSigned(wanted, lifetime));
    const { subject } = certificate.toLegacyObject();
    assert.deepEqual({ ...subject }, Object.fromEntries(values));
  });
});

describe('signingRequest', () => {
  for (const [name, key] of keys) {
    it(`is signed with a key of ${name} and asks for the names`, { skip: !hasOpenssl }, () => {
      const text = openssl(signingRequest(plain(key)), 'req', '-verify', '-noout', '-text');
      assert.match(text, /self-signature verify OK|verify OK/);
      assert.match(text, /Subject: CN ?= ?mx\.example\n/);
      assert.match(text, /DNS:mx\.example, DNS:\*\.example\.org, IP Address:192\.0\.2\.1/);
      assert.match(text, /TLS Web Server Authentication/);
    });
  }

  it('takes every value of the subject as data', { skip: !hasOpenssl }, () => {
    const subject = [
      ['C', 'DE'],
      ['O', 'A, B/C="x"\nCN=evil.example'],
      ['CN', 'mx.example'],
      ['email', 'a+b/c@example.com'],
    ] as const;
    const text = openssl(
      signingRequest({ ...plain(ec), subject }),
      ...['req', '-noout', '-subject', '-nameopt', 'RFC2253'],
    );
    assert.equal(
      text.trim(),
      'subject=emailAddress=a\\+b/c@example.com,CN=mx.example,O=A\\, B/C=\\"x\\"\\0ACN=evil.example,C=DE',
    );
  });
});
