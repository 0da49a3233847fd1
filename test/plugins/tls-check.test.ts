// What check-config tells of certificates, beyond those that keep the server from starting.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkPair, checkTls } from '../../plugins/_tls-check.ts';
import { selfSigned } from '../../src/cli/tls-cert/certificate.ts';
import type { Checkup } from '../../src/contract/checkup.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { tempPlace } from './tls-support.ts';

const DAY_MS = 86_400_000;

function recorded(now = new Date()) {
  const said: string[] = [];
  const used: string[] = [];
  const checkup: Checkup = {
    now,
    me: 'mx.example',
    error: (text) => void said.push(`error ${text}`),
    warn: (text) => void said.push(`warn ${text}`),
    reads: (path) => void used.push(`reads ${path}`),
    readsSecret: (path) => void used.push(`secret ${path}`),
    writes: (path) => void used.push(`writes ${path}`),
    appends: (path) => void used.push(`appends ${path}`),
  };
  return { said, used, checkup };
}

interface Asked {
  readonly name?: string;
  readonly now?: Date;
  readonly roots?: readonly TestCertificate[];
}

/** What is said of certificates in this order in one file, with DIR for its folder. */
function check(chain: readonly TestCertificate[], { name = 'mx.example', now, roots = [] }: Asked = {}) {
  const place = tempPlace();
  const cert = place.write('c.pem', chain.map((one) => one.cert).join('text between them\n'));
  const key = place.write('k.pem', chain[0]?.key ?? '');
  const { said, used, checkup } = recorded(now);
  const known = roots.map((root) => new X509Certificate(root.cert));
  checkPair({ cert, key }, { name, origin: 'as a test has it' }, checkup, () => known);
  assert.deepEqual(used, [`reads ${cert}`, `secret ${key}`]);
  return said.map((text) => text.replaceAll(place.dir, 'DIR'));
}

const root = makeCertificate('root', { isCa: true, days: 900 });
const middle = makeCertificate('middle', { isCa: true, issuer: root, days: 500 });
const leaf = makeCertificate('mx.example', { issuer: middle });

describe('dates of a certificate', () => {
  const own = makeCertificate('mx.example', { days: 90 });
  const inDays = (days: number) => ({ now: new Date(Date.now() + days * DAY_MS) });

  it('are in order until 30 days before the last', () => {
    assert.deepEqual(check([own]), []);
    assert.deepEqual(check([own], inDays(59.9)), []);
  });

  it('are warned of in the last 30 days', () => {
    const [text, ...others] = check([own], inDays(60.5));
    assert.deepEqual(others, []);
    assert.match(text ?? '', /^warn the certificate in DIR\/c\.pem expires on \d{4}-\d\d-\d\d, in 29 days$/);
  });

  it('are wrong afterwards, and before', () => {
    const day = new X509Certificate(own.cert).validToDate.toISOString().slice(0, 10);
    assert.deepEqual(check([own], inDays(90.1)), [
      `error the certificate in DIR/c.pem has expired on ${day}`,
    ]);
    assert.match(
      check([own], inDays(-2000)).join(),
      /^error the certificate in DIR\/c\.pem is not valid before /,
    );
  });

  it('are looked at in the whole chain', () => {
    const old = makeCertificate('middle', {
      issuer: root,
      isCa: true,
      days: -1,
      privateKey: middle.privateKey,
    });
    assert.match(check([leaf, old, root]).join(), /^error certificate 2 in DIR\/c\.pem has expired on /);
  });
});

describe('the name of a certificate', () => {
  it('is that of the server, in any case', () => {
    assert.deepEqual(check([makeCertificate('MX.example')]), []);
    assert.deepEqual(check([makeCertificate('mx.example')], { name: 'other.example' }), [
      'warn the certificate in DIR/c.pem is for mx.example, not for other.example, as a test has it',
    ]);
  });

  it('may be a wildcard above it', () => {
    const wild = makeCertificate('*.example.org');
    assert.deepEqual(check([wild], { name: 'mx.example.org' }), []);
    assert.deepEqual(check([wild], { name: '*.example.org' }), []);
    assert.equal(check([wild], { name: 'a.mx.example.org' }).length, 1);
  });

  it('is not asked for where the server has an address for a name', () => {
    assert.deepEqual(check([makeCertificate('other.example')], { name: '[192.0.2.1]' }), []);
  });
});

describe('the chain of a certificate', () => {
  it('leads to an authority that is known, be it in the file or not', () => {
    assert.deepEqual(check([leaf, middle], { roots: [root] }), []);
    assert.deepEqual(check([leaf, middle, root], { roots: [root] }), []);
    assert.deepEqual(check([leaf, middle, root]), []);
  });

  it('is no matter where nobody else has signed', () => {
    const { privateKey, key } = makeCertificate('mx.example');
    const wanted = {
      key: privateKey,
      subject: [['CN', 'mx.example'] as const],
      names: { dns: ['mx.example'], ip: [] },
    };
    const now = Date.now();
    const lifetime = { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + 90 * DAY_MS) };
    assert.deepEqual(
      check([{ name: 'mx.example', privateKey, key, cert: selfSigned(wanted, lifetime) }]),
      [],
    );
  });

  it('is incomplete without the issuer', () => {
    const [text, ...others] = check([leaf], { roots: [root] });
    assert.deepEqual(others, []);
    assert.match(
      text ?? '',
      /^warn the certificates in DIR\/c\.pem end at one that was issued by CN=middle, /,
    );
  });

  it('has an order', () => {
    const [text, ...others] = check([leaf, root, middle], { roots: [root] });
    assert.deepEqual(others, []);
    assert.match(
      text ?? '',
      /^warn certificate 2 in DIR\/c\.pem \(CN=root\) is not that of the issuer of the one before it \(CN=middle\)$/,
    );
  });

  it('is broken where an issuer has the name alone', () => {
    const namesake = makeCertificate('middle', { isCa: true, issuer: root });
    assert.match(check([leaf, namesake], { roots: [root] }).join(), /^warn certificate 2 .* is not that of /);
  });
});

describe('the key of a certificate', () => {
  it('has 2048 bits where it is RSA', () => {
    assert.deepEqual(check([makeCertificate('mx.example', { kind: 'rsa', bits: 1024 })]), [
      'warn the certificate in DIR/c.pem has an RSA key of 1024 bits',
    ]);
    assert.deepEqual(check([makeCertificate('mx.example', { kind: 'rsa', bits: 2048 })]), []);
  });
});

describe('the files of a line', () => {
  it('are all looked at, those for further names too', () => {
    const place = tempPlace();
    const own = makeCertificate('mx.example');
    const other = makeCertificate('other.example');
    place.write('own.crt', own.cert);
    place.write('own.key', own.key);
    place.write('ca.crt', root.cert);
    mkdirSync(join(place.dir, 'names'));
    place.write('names/wrong.example.pem', other.cert + other.key);
    place.write('names/other.example.pem', other.cert + other.key);
    const options = { cert: 'own.crt', key: 'own.key', ca: 'ca.crt', dhparam: undefined, sni: 'names' };
    const { said, used, checkup } = recorded();
    checkTls({ options, configDirs: [place.dir] }, checkup);
    const path = (name: string) => join(place.dir, name);
    assert.deepEqual(used.toSorted(), [
      `reads ${path('ca.crt')}`,
      `reads ${path('own.crt')}`,
      `secret ${path('names/other.example.pem')}`,
      `secret ${path('names/wrong.example.pem')}`,
      `secret ${path('own.key')}`,
    ]);
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0] ?? '', /wrong\.example\.pem is for other\.example, not for wrong\.example, /);
  });
});
