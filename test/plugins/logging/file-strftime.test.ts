// What the C library of this kind of machine makes of the formats was asked of date(1), which the last test does again.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { timeFormat } from '../../../plugins/logging/_strftime.ts';

function inZone<T>(zone: string, work: () => T): T {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  try {
    return work();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

const shown = (format: string, seconds: number, zone = 'UTC') =>
  inZone(zone, () => timeFormat(format)(new Date(seconds * 1000)));

/** Sunday, 4 March 2001, 09:05:07 */
const SUNDAY = 983_696_707;

describe('strftime', () => {
  for (const [format, text] of [
    ['%a %A', 'Sun Sunday'],
    ['%b %B %h', 'Mar March Mar'],
    ['%c', 'Sun Mar  4 09:05:07 2001'],
    ['%C %y %Y', '20 01 2001'],
    ['%d %e', '04  4'],
    ['%D %x %F', '03/04/01 03/04/01 2001-03-04'],
    ['%H %I %k %l', '09 09  9  9'],
    ['%M %S %s', '05 07 983696707'],
    ['%R %T %X %r', '09:05 09:05:07 09:05:07 09:05:07 AM'],
    ['%p %P', 'AM am'],
    ['%j %u %w', '063 7 0'],
    ['%U %V %W %G %g', '09 09 09 2001 01'],
    ['%z %Z', '+0000 UTC'],
    ['%n%t%%', '\n\t%'],
    ['%a %b %d %T %Y', 'Sun Mar 04 09:05:07 2001'],
    ['%Ey-%Om-%Od', '01-03-04'],
    ['%-d %_d %-j %_j %0e %-I %_-H', '4  4 63  63 04 9 9'],
    ['%^a %^B %^p', 'SUN MARCH AM'],
    ['plain', 'plain'],
    ['', ''],
  ] as const) {
    it(`reads ${JSON.stringify(format)}`, () => assert.equal(shown(format, SUNDAY), text));
  }

  for (const format of ['%Q', '%i', '%v', '%+', '%-', '100%', '% d', '%é', '%EQ', '%3d']) {
    it(`leaves ${JSON.stringify(format)} as it is`, () => assert.equal(shown(format, SUNDAY), format));
  }

  it('has noon and midnight', () => {
    assert.equal(shown('%I%p %l', 43_200), '12PM 12');
    assert.equal(shown('%I%P %H', 0), '12am 00');
  });

  for (const [seconds, text] of [
    // 1 January 2021, a Friday, is in the last week of 2020; 31 December 2018, a Monday, in the first of 2019.
    [1_609_459_200, '2020-W53-5 20 00 00 001'],
    [1_546_214_400, '2019-W01-1 19 52 53 365'],
    [1_704_067_200, '2024-W01-1 24 00 01 001'],
    [1_735_603_200, '2025-W01-2 25 52 53 366'],
  ] as const) {
    it(`counts weeks by ISO 8601, from Sunday and from Monday: ${text}`, () =>
      assert.equal(shown('%G-W%V-%u %g %U %W %j', seconds), text));
  }

  it('goes by the time zone of the server, summer time too', () => {
    assert.equal(shown('%F %T %z %Z', 1_719_792_000, 'America/New_York'), '2024-06-30 20:00:00 -0400 EDT');
    assert.equal(shown('%F %T %z %Z', 1_704_067_200, 'Europe/Berlin'), '2024-01-01 01:00:00 +0100 CET');
    assert.equal(shown('%z', 1_704_067_200, 'Asia/Kolkata'), '+0530');
    // The hour that comes twice.
    assert.equal(shown('%H:%M %z', 1_729_988_999, 'Europe/Berlin'), '02:29 +0200');
    assert.equal(shown('%H:%M %z', 1_729_992_599, 'Europe/Berlin'), '02:29 +0100');
    // The day after the hour that is missing is the next one.
    assert.equal(shown('%j %U', 1_711_922_400, 'Europe/Berlin'), '092 13');
  });

  it('gives the offset where a zone has no short name', () => {
    assert.match(shown('%Z', 0, 'Asia/Tbilisi'), /^\+\d{4}$/);
  });

  it('agrees with date(1)', () => {
    const letters = [...'aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYz%'];
    const format = [...letters.map((letter) => `%${letter}`), '%-d', '%_H', '%^b', '%0e'].join('|');
    for (const zone of ['UTC', 'America/New_York', 'Australia/Sydney']) {
      for (const seconds of [0, 951_782_400, 1_709_251_199, 1_735_689_599, 2_147_483_648]) {
        const env = { TZ: zone, LC_ALL: 'C' };
        const wanted = execFileSync('date', ['-d', `@${seconds}`, `+${format}`], { env, encoding: 'latin1' });
        assert.equal(shown(format, seconds, zone), wanted.slice(0, -1), `${seconds} in ${zone}`);
      }
    }
  });
});
