import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ciphersFor,
  defaultCiphers,
  defaultProtocols,
  isOutdated,
  parseCiphers,
  parseProtocols,
} from '../../plugins/_tls-protocols.ts';

describe('parseProtocols', () => {
  const range = (text: string) => {
    const { minVersion, maxVersion } = parseProtocols(text);
    return minVersion === maxVersion ? minVersion : `${minVersion} ${maxVersion}`;
  };

  it('reads the words of qpsmtpd', () => {
    const usual = 'TLSv1.2 TLSv1.3';
    const all = {
      'SSLv23:!SSLv2:!SSLv3': usual,
      'SSLv23:!SSLv2:!SSLv3:!TLSv1': usual,
      'SSLv23:!SSLv2:!SSLv3:!TLSv1:!TLSv1_1': usual,
      'SSLv2/3': usual,
      '!TLSv1': usual,
      'SSLv23:!TLSv1_3': 'TLSv1.2',
      'SSLv23 !TLSv1_2': 'TLSv1.3',
      TLSv1_2: 'TLSv1.2',
      'TLSv1.2': 'TLSv1.2',
      tlsv1_3: 'TLSv1.3',
      'TLSv1.2:TLSv1.3': usual,
      'TLSv1.3:TLSv1.2': usual,
      TLSv1: 'TLSv1',
      'TLSv1:TLSv1_1:TLSv1_2': 'TLSv1 TLSv1.2',
      'SSLv23:TLSv1_1': 'TLSv1.1 TLSv1.3',
      'SSLv23:TLSv1.1:!TLSv1.1': usual,
    };
    for (const [text, versions] of Object.entries(all)) assert.equal(range(text), versions, text);
  });

  it('says what cannot be', () => {
    assert.throws(() => parseProtocols('SSLv3'), { message: /^SSLv3 cannot be had any more/ });
    assert.throws(() => parseProtocols('SSLv2:TLSv1.2'), { message: /^SSLv2 cannot be had any more/ });
    assert.throws(() => parseProtocols('TLSv1.4'), { message: /^"TLSv1\.4" is no version of TLS/ });
    assert.throws(() => parseProtocols('TLSv13'), { message: /is no version/ });
    assert.throws(() => parseProtocols('TLSv1.2:!TLSv1.2'), { message: /leaves no version of TLS$/ });
    assert.throws(() => parseProtocols('!SSLv23'), { message: /leaves no version of TLS$/ });
    assert.throws(() => parseProtocols('TLSv1.1:TLSv1.3'), {
      message: '"TLSv1.1:TLSv1.3" leaves out a version between TLSv1.1 and TLSv1.3',
    });
  });
});

describe('ciphers', () => {
  it('are taken in the words of OpenSSL, also those of the sample of qpsmtpd', () => {
    for (const text of [
      'HIGH',
      'HIGH:!SSLv2',
      'DEFAULT:!ADH:!LOW:!EXP:!SSLv2:+HIGH:+MEDIUM',
      defaultCiphers,
    ]) {
      assert.equal(parseCiphers(text), text);
    }
    assert.throws(() => parseCiphers('HIHG'), { message: /^"HIHG" names no cipher/ });
  });

  it('come with a lower guard for old versions only', () => {
    const old = parseProtocols('TLSv1:TLSv1.1:TLSv1.2');
    assert.equal(isOutdated(old), true);
    assert.equal(isOutdated(defaultProtocols), false);
    assert.equal(ciphersFor('HIGH', defaultProtocols), 'HIGH');
    assert.equal(ciphersFor('HIGH', old), 'HIGH:!aNULL:!eNULL:@SECLEVEL=0');
    assert.equal(ciphersFor('HIGH:@SECLEVEL=1', old), 'HIGH:@SECLEVEL=1');
  });
});
