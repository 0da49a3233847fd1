// What is known of a handshake, compared with what the client knows of it.

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { endPointHash } from '../../src/server/tls-facts.ts';
import { makeCertificate } from '../support/certificates.ts';
import { until } from './support.ts';
import { contextFor, secured, serverCertificate } from './tls-support.ts';

const ca = makeCertificate('Test CA', { isCa: true });

describe('facts of a TLS connection', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${version}: protocol, cipher, and that there is nothing more`, async () => {
      const { facts, tls } = await secured({}, { minVersion: version, maxVersion: version });
      assert.equal(facts.protocol, version);
      assert.equal(facts.cipher, tls.getCipher().standardName);
      assert.match(facts.cipher, /^TLS_/);
      assert.equal(facts.serverName, null);
      assert.equal(facts.isResumed, false);
      assert.equal(facts.clientCertificate, null);
    });
  }

  it('gives the name of SNI in lower case, and takes the certificate for it', async () => {
    const other = makeCertificate('other.example');
    const asked: string[] = [];
    const choose = (name: string) => {
      asked.push(name);
      return name.toLowerCase() === 'other.example' ? contextFor(other) : null;
    };
    const first = await secured({ contextFor: choose }, { servername: 'Other.Example' });
    assert.equal(first.facts.serverName, 'other.example');
    assert.equal(first.tls.getPeerCertificate().subject.CN, 'other.example');
    assert.deepEqual(
      first.facts.channelBinding('tls-server-end-point'),
      createHash('sha256').update(new X509Certificate(other.cert).raw).digest(),
    );
    const second = await secured({ contextFor: choose }, { servername: 'unknown.example' });
    assert.equal(second.tls.getPeerCertificate().subject.CN, 'mx.example');
    assert.deepEqual(asked, ['Other.Example', 'unknown.example']);
  });

  it('takes what cannot be the name of a host for none', async () => {
    const { facts } = await secured({}, { servername: 'a b\r\nX: y' });
    assert.equal(facts.serverName, null);
  });

  it('tls-exporter is what the client exports, for TLS 1.3 only', async () => {
    const { facts, tls } = await secured({}, { minVersion: 'TLSv1.3' });
    const own = tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    assert.deepEqual(facts.channelBinding('tls-exporter'), own);
    assert.equal(facts.channelBinding('tls-unique'), null);
    const old = await secured({}, { maxVersion: 'TLSv1.2' });
    assert.equal(old.facts.channelBinding('tls-exporter'), null);
  });

  it('tls-unique is the first Finished of the handshake, for TLS 1.2 only', async () => {
    const { facts, tls } = await secured({}, { maxVersion: 'TLSv1.2' });
    assert.ok(tls.getFinished()?.length === 12);
    assert.deepEqual(facts.channelBinding('tls-unique'), tls.getFinished());
  });

  it('tls-unique of a resumed session is the Finished of the server', async () => {
    const context = contextFor(serverCertificate, { sessionIdContext: 'test' });
    const first = await secured({ context }, { maxVersion: 'TLSv1.2' });
    const session = first.tls.getSession();
    assert.ok(session);
    const second = await secured({ context }, { maxVersion: 'TLSv1.2', session });
    assert.equal(second.tls.isSessionReused(), true);
    assert.equal(second.facts.isResumed, true);
    assert.deepEqual(second.facts.channelBinding('tls-unique'), second.tls.getPeerFinished());
  });

  it('tls-server-end-point is made with the hash of the signature', async () => {
    const strong = makeCertificate('mx.example', { issuer: ca, digest: 'sha384' });
    const { facts } = await secured({ context: contextFor(strong) });
    const { raw } = new X509Certificate(strong.cert);
    assert.deepEqual(facts.channelBinding('tls-server-end-point'), createHash('sha384').update(raw).digest());
  });

  it('has no bindings once the connection is gone', async () => {
    const { facts, tls, wire } = await secured();
    tls.destroy();
    await until(() => wire.broken);
    assert.equal(facts.channelBinding('tls-exporter'), null);
    assert.equal(facts.channelBinding('tls-server-end-point'), null);
    assert.equal(facts.protocol, 'TLSv1.3');
  });
});

describe('endPointHash', () => {
  it('replaces MD5 and SHA-1, keeps the others, and knows none for the rest', () => {
    const hashes = {
      md5WithRSAEncryption: 'sha256',
      sha1WithRSAEncryption: 'sha256',
      'ecdsa-with-SHA1': 'sha256',
      sha256WithRSAEncryption: 'sha256',
      'ecdsa-with-SHA256': 'sha256',
      'ecdsa-with-SHA384': 'sha384',
      sha512WithRSAEncryption: 'sha512',
      sha224WithRSAEncryption: 'sha224',
      ED25519: null,
      rsassaPss: null,
      '': null,
    };
    for (const [algorithm, hash] of Object.entries(hashes))
      assert.equal(endPointHash(algorithm), hash, algorithm);
  });
});

describe('certificates of clients', () => {
  const good = makeCertificate('client.example', { issuer: ca });
  const stranger = makeCertificate('stranger.example');
  const expired = makeCertificate('client.example', { issuer: ca, days: -1 });
  const context = contextFor(serverCertificate, { ca: [ca.cert], sessionIdContext: 'test' });
  const ask = { context, clientCertificates: 'ask' } as const;

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${maxVersion}: one that the CA has signed is verified`, async () => {
      const { cert, key } = good;
      const { facts } = await secured(ask, { cert, key, maxVersion });
      assert.deepEqual(facts.clientCertificate, {
        subject: 'CN=client.example',
        issuer: 'CN=Test CA',
        fingerprint: new X509Certificate(cert).fingerprint256.toLowerCase(),
        problem: null,
      });
    });

    it(`${maxVersion}: one that no CA has signed is known, with its problem`, async () => {
      const { cert, key } = stranger;
      const { facts } = await secured(ask, { cert, key, maxVersion });
      assert.equal(facts.clientCertificate?.subject, 'CN=stranger.example');
      assert.match(facts.clientCertificate?.problem ?? '', /self-signed/);
    });

    it(`${maxVersion}: an expired one has its problem too`, async () => {
      const { cert, key } = expired;
      const { facts } = await secured(ask, { cert, key, maxVersion });
      assert.match(facts.clientCertificate?.problem ?? '', /expired/);
    });

    it(`${maxVersion}: none is none`, async () => {
      const { facts } = await secured(ask, { maxVersion });
      assert.equal(facts.clientCertificate, null);
    });
  }

  it('stays known when the session is resumed', async () => {
    const { cert, key } = good;
    const options = { cert, key, maxVersion: 'TLSv1.3' } as const;
    const first = await secured(ask, options);
    const [session] = (await once(first.tls, 'session')) as [Buffer];
    const second = await secured(ask, { ...options, session });
    assert.equal(second.facts.isResumed, true);
    assert.equal(second.facts.clientCertificate?.problem, null);
    assert.equal(second.facts.clientCertificate?.subject, 'CN=client.example');
  });

  it('does not carry control characters of a stranger', async () => {
    const { cert, key } = makeCertificate('a\r\nb\x1b[31m\u00e9');
    const { facts } = await secured(ask, { cert, key });
    assert.match(facts.clientCertificate?.subject ?? '', /^CN=[\x20-\x7e]+$/);
  });
});
