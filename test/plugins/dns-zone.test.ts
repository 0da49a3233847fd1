// Lines of dnsbl_zones, rhsbl_zones and whitelist_zones, and what check-config and the log say of wrong ones.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseZoneBlankText, parseZoneColonText, zoneWarning } from '../../plugins/_dns-zone.ts';

describe('a zone of dnsbl_zones', () => {
  it('may have a text behind a colon, which may have more of them', () => {
    assert.deepEqual(parseZoneColonText('BL.example.org. '), { name: 'bl.example.org', text: null });
    assert.deepEqual(parseZoneColonText('bl.example.org:see https://a.example:8/?%IP%'), {
      name: 'bl.example.org',
      text: 'see https://a.example:8/?%IP%',
    });
    assert.deepEqual(parseZoneColonText('bl.example.org : text'), { name: 'bl.example.org', text: 'text' });
    assert.deepEqual(parseZoneColonText('bl.example.org:'), { name: 'bl.example.org', text: '' });
  });

  it('may have a key of the subscriber, and underscores', () => {
    assert.equal(parseZoneColonText('k3y_1.zen.example.net').name, 'k3y_1.zen.example.net');
  });

  for (const [line, complaint] of [
    ['bl..example.org', /"bl\.\.example\.org" is not a DNS zone: a part between its dots is empty/],
    ['.example.org', /a part between its dots is empty/],
    ['-bl.example.org', /"-bl" has something but letters, digits and inner hyphens/],
    ['bl_$.example.org', /"bl_\$" has something/],
    ['b\u00fc.example.org', /has something/],
    ['192.0.2.1', /"192\.0\.2\.1" is an address, not a DNS zone/],
    ['2001:db8::1', /"2001:db8::1" is an address, not a DNS zone/],
    ['http://bl.example.org/', /is a URL, not a DNS zone/],
    ['bl.example.org some words', /a blank in the zone .*behind a colon: ZONE:TEXT/],
    [`${'a'.repeat(64)}.example.org`, /is longer than 63 characters/],
    [`${'abcdefghi.'.repeat(19)}a`, /is longer than 189 characters: no address has room before it/],
    [':text', /a part between its dots is empty/],
  ] as const) {
    it(`is not ${line.slice(0, 30)}`, () => assert.throws(() => parseZoneColonText(line), complaint));
  }
});

describe('a zone of rhsbl_zones and whitelist_zones', () => {
  it('may have a text behind a blank', () => {
    assert.deepEqual(parseZoneBlankText('rh.example.org'), { name: 'rh.example.org', text: null });
    assert.deepEqual(parseZoneBlankText('rh.example.org\t does: things '), {
      name: 'rh.example.org',
      text: 'does: things',
    });
  });

  it('has no text behind a colon', () => {
    assert.throws(
      () => parseZoneBlankText('rh.example.org:x'),
      /a colon in the zone .*behind a blank here: ZONE TEXT/,
    );
    assert.throws(() => parseZoneBlankText('rh..example.org x'), /is not a DNS zone/);
  });
});

describe('a zone that can be asked', () => {
  const warning = (name: string) => zoneWarning({ name, text: null });

  it('is warned of when its list has ended, or it is no whole name', () => {
    assert.match(
      warning('dsn.rfc-ignorant.org') ?? '',
      /the lists of rfc-ignorant\.org have ended; take "dsn\./,
    );
    assert.match(warning('ordb.org') ?? '', /have ended/);
    assert.match(warning('zen') ?? '', /has no dot/);
    assert.equal(warning('notordb.org'), null);
    assert.equal(warning('bl.example.org'), null);
  });
});
