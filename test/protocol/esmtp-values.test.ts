import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isEnvelopeId,
  isMailAuth,
  isNotifyWish,
  isOriginalRecipient,
  isReturnWish,
  isTransferPriority,
} from '../../src/protocol/esmtp-values.ts';

type Check = (value: string) => boolean;

function testValues(name: string, isGood: Check, { good, bad }: { good: string[]; bad: string[] }): void {
  test(name, () => {
    for (const value of good) assert.equal(isGood(value), true, `${value} is good`);
    for (const value of bad) assert.equal(isGood(value), false, `${value} is bad`);
  });
}

testValues('RET (RFC 3461 section 4.3)', isReturnWish, {
  good: ['FULL', 'hdrs'],
  bad: ['', 'HEADERS', 'FULL,HDRS', 'FULLHDRS'],
});

testValues('ENVID (RFC 3461 section 4.4)', isEnvelopeId, {
  good: ['QQ314159', 'a+20b', 'x'.repeat(100)],
  bad: ['', 'a=b', 'a+0Ab', 'a+00', 'a+7F', 'a+', 'a+2', 'ü', 'x'.repeat(101)],
});

testValues('NOTIFY (RFC 3461 section 4.1)', isNotifyWish, {
  good: ['NEVER', 'never', 'SUCCESS', 'success,Failure,DELAY', 'DELAY,FAILURE'],
  bad: [
    '',
    'ALWAYS',
    'NEVER,FAILURE',
    'FAILURE,NEVER',
    'NEVER,NEVER',
    'SUCCESS,SUCCESS',
    'SUCCESS,',
    ',DELAY',
    'SUCCE\u00df',
  ],
});

testValues('ORCPT (RFC 3461 section 4.2)', (value) => isOriginalRecipient(value, false), {
  good: [
    'rfc822;a+2Bb@c.example',
    'x400;/C+3DDE/',
    // as Postfix 3.7 has it where the address is in UTF-8
    'rfc822;gr+C3+BCn@b.example',
    `rfc822;${'x'.repeat(493)}`,
    // RFC 6533 section 3: safe everywhere
    'utf-8;a@b.example',
    'utf-8;\\x{7528}\\x{6237}@b.example',
    'UTF-8;\\x{1F4A1}\\x{2B}@b.example',
  ],
  bad: [
    '',
    'rfc822',
    'rfc822;',
    ';a@b',
    'rfc822;a=b@c',
    'rfc822;a+0D+0Ab@c',
    'rfc822;a+C2+85b@c',
    'rfc822;a+C3b@c',
    'rf c;a@b',
    'rfc822;ü@b.example',
    `rfc822;${'x'.repeat(494)}`,
    'utf-8;ü@b.example',
    'utf-8;a\\b@c.example',
    'utf-8;\\x{}@c.example',
    'utf-8;\\x{0A}@c.example',
    'utf-8;\\x{85}@c.example',
    'utf-8;\\x{D800}@c.example',
    'utf-8;\\x{110000}@c.example',
    'utf-8;a+0A@c.example',
  ],
});

testValues('ORCPT where UTF-8 is allowed (RFC 6533 section 3)', (value) => isOriginalRecipient(value, true), {
  good: ['utf-8;ü@b.example', 'utf-8;用户\\x{2B}@b.example', 'utf-8;a@b', 'rfc822;a@b'],
  bad: ['rfc822;ü@b.example', 'utf-8;\x85@b.example', 'utf-8;ü @b.example', 'utf-8;ü=@b.example'],
});

testValues('AUTH of MAIL (RFC 4954 section 5)', isMailAuth, {
  good: ['<>', 'e+3Dmc2@example.com', 'a@b'],
  bad: ['a=b', 'a+3d', 'a b', 'a+0Ab', 'ü'],
});

testValues('MT-PRIORITY (RFC 6710 section 5)', isTransferPriority, {
  good: ['0', '9', '-9', '1'],
  bad: ['', '10', '-10', '-0', '+1', '1.5', '01', 'high'],
});
