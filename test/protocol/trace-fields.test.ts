import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { transmissionType } from '../../src/protocol/trace-fields.ts';

describe('transmissionType (RFC 3848, RFC 6531 section 4.3)', () => {
  const plain = { tls: false, login: false, utf8: false };
  const cases = [
    ['helo', plain, 'SMTP'],
    ['ehlo', plain, 'ESMTP'],
    ['ehlo', { ...plain, tls: true }, 'ESMTPS'],
    ['ehlo', { ...plain, login: true }, 'ESMTPA'],
    ['ehlo', { ...plain, tls: true, login: true }, 'ESMTPSA'],
    ['ehlo', { ...plain, utf8: true }, 'UTF8SMTP'],
    ['ehlo', { tls: true, login: true, utf8: true }, 'UTF8SMTPSA'],
    ['lhlo', plain, 'LMTP'],
    ['lhlo', { ...plain, tls: true }, 'LMTPS'],
    ['lhlo', { ...plain, login: true }, 'LMTPA'],
    ['lhlo', { ...plain, tls: true, login: true }, 'LMTPSA'],
    ['lhlo', { ...plain, utf8: true }, 'UTF8LMTP'],
    ['lhlo', { tls: true, login: true, utf8: true }, 'UTF8LMTPSA'],
  ] as const;
  for (const [verb, facts, type] of cases) {
    it(type, () => assert.equal(transmissionType({ verb, ...facts }), type));
  }
});
