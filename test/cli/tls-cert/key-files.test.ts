import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { keyText, makeKey, readKey, writeOutput } from '../../../src/cli/tls-cert/key-files.ts';
import { cleanUp } from '../../support/cleanup.ts';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'qpsmtpd-test-'));
  cleanUp(() => rmSync(dir, { recursive: true }));
  return dir;
}

describe('makeKey', () => {
  it('makes what the word says', () => {
    assert.equal(makeKey('p-256')?.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(makeKey('rsa')?.asymmetricKeyDetails?.modulusLength, 2048);
    assert.equal(makeKey('rsa-3072')?.asymmetricKeyDetails?.modulusLength, 3072);
  });

  it('makes nothing of other words', () => {
    for (const word of ['', 'P-256', 'toString', 'rsa-1024']) assert.equal(makeKey(word), null);
  });
});

describe('readKey', () => {
  it('reads back what was written', () => {
    const key = makeKey('p-256');
    assert.ok(key !== null);
    const file = join(folder(), 'key');
    writeOutput({ file, text: keyText(key), mode: 0o600 }, false);
    assert.ok(readKey(file).equals(key));
  });

  it('reads the form in which openssl genrsa wrote it for qpsmtpd', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const file = join(folder(), 'key');
    writeFileSync(file, privateKey.export({ type: 'pkcs1', format: 'pem' }));
    assert.ok(readKey(file).equals(privateKey));
  });

  it('refuses kinds of keys that mail clients do not know', () => {
    const file = join(folder(), 'key');
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    assert.throws(() => readKey(file), /ed25519 cannot be used/);
  });
});

describe('writeOutput', () => {
  it('gives the file its rights and leaves nothing else behind', () => {
    const dir = folder();
    const file = join(dir, 'key');
    writeOutput({ file, text: 'secret', mode: 0o600 }, false);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dir), ['key']);
  });

  it('replaces a file only when told to', () => {
    const dir = folder();
    const file = join(dir, 'key');
    writeFileSync(file, 'old', { mode: 0o644 });
    assert.throws(() => writeOutput({ file, text: 'new', mode: 0o600 }, false), { code: 'EEXIST' });
    assert.equal(readFileSync(file, 'utf8'), 'old');
    writeOutput({ file, text: 'new', mode: 0o600 }, true);
    assert.equal(readFileSync(file, 'utf8'), 'new');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dir), ['key']);
  });
});
