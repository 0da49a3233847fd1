// Certificates that change under a running server, and those that are no good.

import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { WatchedContext } from '../../plugins/_tls-context.ts';
import { makeCertificate } from '../support/certificates.ts';
import { meansWith, SettableClock, tempPlace } from './tls-support.ts';

const first = makeCertificate('mx.example');
const second = makeCertificate('mx.example');

function pair(more: Parameters<typeof meansWith>[1] = {}) {
  const place = tempPlace();
  const clock = new SettableClock();
  const cert = place.write('mx.crt', first.cert);
  const key = place.write('mx.key', first.key);
  const all = meansWith(clock, more);
  return { place, clock, cert, key, ...all, watched: all.watch(cert, key) };
}

describe('a certificate under a running server', () => {
  it('is read again when it has changed, and not before a second has passed', () => {
    const { place, clock, watched, lines, cert } = pair();
    watched.load();
    const before = watched.current;
    assert.ok(before);
    place.write('mx.crt', second.cert);
    place.write('mx.key', second.key);
    clock.pass(999);
    assert.equal(watched.current, before);
    clock.pass(1);
    assert.notEqual(watched.current, before);
    assert.deepEqual(lines, [`notice: ${cert} has changed and is in use`]);
  });

  it('stays the same context as long as its files do', () => {
    const { place, clock, watched } = pair();
    watched.load();
    const before = watched.current;
    clock.pass(5000);
    assert.equal(watched.current, before);
    // Written again with the same content, as some programs do every night.
    place.write('mx.crt', first.cert);
    clock.pass(5000);
    assert.equal(watched.current, before);
  });

  it('keeps the old one while certificate and key do not fit, and says so once', () => {
    const { place, clock, watched, lines, cert, key } = pair();
    watched.load();
    const before = watched.current;
    place.write('mx.crt', second.cert);
    for (let second = 0; second < 3; second++) {
      clock.pass(1000);
      assert.equal(watched.current, before);
    }
    assert.deepEqual(lines, [
      `error: error, the certificate in ${cert} and the key in ${key} do not belong together, or the certificate ` +
        'is not the first one of its file; the certificate that was there before stays in use',
    ]);
    place.write('mx.key', second.key);
    clock.pass(1000);
    assert.notEqual(watched.current, before);
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', /^notice: .* is in use$/);
  });

  it('keeps the old one while a file is gone or half written, and says what is wrong now', () => {
    const { place, clock, watched, lines, cert } = pair();
    watched.load();
    const before = watched.current;
    rmSync(cert);
    clock.pass(1000);
    assert.equal(watched.current, before);
    place.write('mx.crt', second.cert.slice(0, 200));
    clock.pass(1000);
    assert.equal(watched.current, before);
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /mx\.crt is not there; the certificate that was there before stays in use$/);
    assert.match(lines[1] ?? '', /mx\.crt holds no certificate \(PEM\)/);
  });

  it('is read again while its file is too young for the time of it to tell of a change', () => {
    const { place, clock, means } = pair();
    const path = place.write('one.pem', first.cert + first.key);
    // The kernel's clock moves in steps, and a file that changes twice in one has the same time.
    const files = { cert: path, key: path };
    const watched = new WatchedContext(files, means, () => ({ stamp: 'same', changedAt: clock.wall - 2000 }));
    watched.load();
    const before = watched.current;
    place.write('one.pem', second.cert + second.key);
    clock.pass(1000);
    assert.notEqual(watched.current, before);
  });

  it('is not read again when its file is old and looks as before', () => {
    const { place, clock, means } = pair();
    const path = place.write('one.pem', first.cert + first.key);
    const files = { cert: path, key: path };
    const watched = new WatchedContext(files, means, () => ({ stamp: 'same', changedAt: clock.wall - 2001 }));
    watched.load();
    const before = watched.current;
    place.write('one.pem', second.cert + second.key);
    clock.pass(1000);
    assert.equal(watched.current, before);
  });

  it('has new ticket keys after half a day', () => {
    const { clock, watched } = pair();
    watched.load();
    const before = watched.current;
    clock.pass(43_199_000);
    assert.equal(watched.current, before);
    clock.pass(1000);
    assert.notEqual(watched.current, before);
  });

  it('is followed when the certificates of CAs change', () => {
    const place = tempPlace();
    const ca = place.write('ca.crt', makeCertificate('CA one', { isCa: true }).cert);
    const { clock, watched } = pair({ ca });
    watched.load();
    const before = watched.current;
    place.write('ca.crt', makeCertificate('CA two', { isCa: true }).cert);
    clock.pass(1000);
    assert.notEqual(watched.current, before);
  });
});

describe('a certificate that is no good', () => {
  const failure = (change: (all: ReturnType<typeof pair>) => void, message: RegExp) => {
    const all = pair();
    change(all);
    assert.throws(() => all.watched.load(), { message });
  };

  it('is named with what is wrong', () => {
    failure(({ cert }) => rmSync(cert), /mx\.crt is not there$/);
    failure(({ key }) => rmSync(key), /mx\.key is not there$/);
    failure(({ place }) => place.write('mx.crt', 'no PEM'), /mx\.crt holds no certificate \(PEM\)$/);
    failure(({ place }) => place.write('mx.key', 'no PEM'), /mx\.key holds no private key \(PEM\)$/);
    failure(
      ({ place }) => place.write('mx.key', second.key),
      /mx\.crt and the key in .*mx\.key do not belong/,
    );
    failure(({ key }) => {
      rmSync(key);
      mkdirSync(key);
    }, /mx\.key cannot be read: it is not a plain file$/);
    const locked = createPrivateKey(first.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    });
    failure(({ place }) => place.write('mx.key', String(locked)), /mx\.key needs a passphrase/);
  });

  it('has a key that is too short', () => {
    const short = makeCertificate('mx.example', { kind: 'rsa', bits: 1024 });
    failure(({ place }) => {
      place.write('mx.crt', short.cert);
      place.write('mx.key', short.key);
    }, /mx\.crt: the key is too short: RSA has to have 2048 bits at least$/);
  });

  it('has files of CAs or parameters that are none', () => {
    const bad = tempPlace().write('bad', 'no PEM');
    assert.throws(() => pair({ ca: bad }).watched.load(), { message: `${bad} holds no certificate (PEM)` });
    assert.throws(() => pair({ dhparam: bad }).watched.load(), {
      message: `${bad} holds no Diffie-Hellman parameters (PEM)`,
    });
  });
});

describe('warnings', () => {
  it('tell of a key that everybody can read', () => {
    const { watched, key, lines } = pair();
    chmodSync(key, 0o644);
    watched.load();
    assert.deepEqual(lines, [`warn: every user of this host can read the private key ${key}: chmod o-r it`]);
  });

  it('tell of the end of a certificate two weeks before, once a day', () => {
    const { watched, lines, clock, cert } = pair();
    const day = 86_400_000;
    const expires = Date.now() + 90 * day;
    watched.load();
    assert.deepEqual(lines, []);
    clock.wall = expires - 13 * day;
    clock.ms += 1000;
    assert.ok(watched.current);
    const date = new Date(expires).toISOString().slice(0, 10);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      new RegExp(`^warn: the certificate in ${cert} expires on ${date.slice(0, 8)}`),
    );
    clock.pass(day - 1000);
    assert.ok(watched.current);
    assert.equal(lines.length, 1);
    clock.pass(1000);
    assert.ok(watched.current);
    assert.equal(lines.length, 2);
    clock.wall = expires + 2 * day;
    clock.ms += 1000;
    assert.ok(watched.current);
    assert.match(lines[2] ?? '', / has expired on /);
  });
});
