// The folder with certificates by name.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SniFolder } from '../../plugins/_tls-sni.ts';
import { makeCertificate } from '../support/certificates.ts';
import { meansWith, type Place, SettableClock, tempPlace } from './tls-support.ts';

const made = makeCertificate('a.example');
const other = makeCertificate('b.example');

function folder(fill: (place: Place) => void) {
  const place = tempPlace();
  fill(place);
  const clock = new SettableClock();
  const { means, lines, watch } = meansWith(clock);
  const sni = new SniFolder(place.dir, { clock, log: means.log, watch: ({ cert, key }) => watch(cert, key) });
  return { place, clock, lines, sni };
}

describe('SniFolder', () => {
  it('knows the three forms, and wildcards in two', () => {
    const { sni } = folder(({ dir, write }) => {
      write('README', 'as certbot has it');
      write('a.example.pem', made.cert + made.key);
      write('B.example.crt', made.cert);
      write('B.example.key', made.key);
      write('archive/privkey1.pem', made.key);
      write('c.example/fullchain.pem', made.cert);
      symlinkSync(join(dir, 'archive/privkey1.pem'), join(dir, 'c.example/privkey.pem'));
      write('_wildcard.d.example.pem', made.cert + made.key);
      write('*.e.example.pem', made.cert + made.key);
      write('bad name.pem', 'is passed over');
    });
    sni.load();
    assert.deepEqual([...sni.names].sort(), [
      '*.d.example',
      '*.e.example',
      'a.example',
      'b.example',
      'c.example',
    ]);
    for (const name of [
      'a.example',
      'A.Example',
      'a.example.',
      'b.example',
      'c.example',
      'x.d.example',
      'y.E.example',
    ]) {
      assert.ok(sni.contextFor(name), name);
    }
    for (const name of [
      'example',
      'd.example',
      'x.y.d.example',
      'x.a.example',
      '',
      '.',
      '../a.example',
      '*.f.example',
    ]) {
      assert.equal(sni.contextFor(name), null, name);
    }
    assert.equal(sni.contextFor('a.example'), sni.contextFor('a.example'));
    assert.notEqual(sni.contextFor('a.example'), sni.contextFor('b.example'));
  });

  it('names every certificate that is no good at start', () => {
    const { sni } = folder(({ write }) => {
      write('a.example.pem', 'none');
      write('b.example.crt', made.cert);
      write('b.example.key', other.key);
      write('c.example.pem', made.cert + made.key);
    });
    assert.throws(() => sni.load(), {
      message: /a\.example\.pem holds no certificate.*; .*do not belong together/,
    });
  });

  it('finds new names, and forgets those that are gone, a second later', () => {
    const { place, clock, lines, sni } = folder(() => {});
    sni.load();
    assert.equal(sni.contextFor('a.example'), null);
    place.write('a.example.pem', made.cert + made.key);
    assert.equal(sni.contextFor('a.example'), null);
    clock.pass(1000);
    assert.ok(sni.contextFor('a.example'));
    rmSync(join(place.dir, 'a.example.pem'));
    clock.pass(1000);
    assert.equal(sni.contextFor('a.example'), null);
    assert.deepEqual(lines, []);
  });

  it('finds the files of a folder that was there before them', () => {
    const { place, clock, sni } = folder(({ dir }) => mkdirSync(join(dir, 'a.example')));
    sni.load();
    clock.pass(5000);
    assert.equal(sni.contextFor('a.example'), null);
    place.write('a.example/fullchain.pem', made.cert);
    clock.pass(1000);
    assert.equal(sni.contextFor('a.example'), null);
    place.write('a.example/privkey.pem', made.key);
    clock.pass(1000);
    assert.ok(sni.contextFor('a.example'));
  });

  it('goes on with the default where a new one is no good, until it is', () => {
    const { place, clock, lines, sni } = folder(() => {});
    sni.load();
    place.write('a.example.pem', made.cert + other.key);
    for (let second = 0; second < 3; second++) {
      clock.pass(1000);
      assert.equal(sni.contextFor('a.example'), null);
    }
    assert.match(lines[0] ?? '', /do not belong together; it is not used$/);
    assert.ok(lines.length <= 2, lines.join('\n'));
    place.write('a.example.pem', made.cert + made.key);
    clock.pass(1000);
    assert.ok(sni.contextFor('a.example'));
  });

  it('takes a renewed certificate, and keeps the old one while it is no good', () => {
    const { place, clock, sni } = folder(({ write }) => write('a.example.pem', made.cert + made.key));
    sni.load();
    const before = sni.contextFor('a.example');
    place.write('a.example.pem', 'half');
    clock.pass(1000);
    assert.equal(sni.contextFor('a.example'), before);
    place.write('new', other.cert + other.key);
    renameSync(join(place.dir, 'new'), join(place.dir, 'a.example.pem'));
    clock.pass(1000);
    assert.notEqual(sni.contextFor('a.example'), before);
  });

  it('outlives its folder', () => {
    const { place, clock, sni } = folder(({ write }) => write('a.example.pem', made.cert + made.key));
    sni.load();
    renameSync(place.dir, `${place.dir}-away`);
    clock.pass(1000);
    assert.equal(sni.contextFor('a.example'), null);
    renameSync(`${place.dir}-away`, place.dir);
    clock.pass(1000);
    assert.ok(sni.contextFor('a.example'));
  });
});
