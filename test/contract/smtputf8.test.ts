import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsSmtpUtf8 } from '../../src/contract/smtputf8.ts';
import { Address } from '../../src/protocol/address.ts';
import type { EsmtpParams } from '../../src/protocol/command-line.ts';
import { Header } from '../../src/protocol/header.ts';

const said: EsmtpParams = new Map([['SMTPUTF8', true]]);
const plain = new Address('a', 'a.example');
const domainOnly = new Address('a', 'bücher.example');
const local = new Address('ü', 'a.example');

const cases: [what: string, needs: boolean, envelope: [Address, Address[], EsmtpParams], header?: string][] =
  [
    ['a sender beyond ASCII', true, [local, [plain], said]],
    ['the last recipient beyond ASCII', true, [plain, [plain, local], said]],
    ['a header beyond ASCII', true, [plain, [plain], said], 'Subject: \xc3\xbc\r\n'],
    ['nothing but ASCII', false, [plain, [plain], said], 'Subject: u\r\n'],
    ['a domain that can be written as xn--', false, [domainOnly, [domainOnly], said]],
    ['8-bit without the parameter', false, [plain, [plain], new Map()], 'Subject: \xc3\xbc\r\n'],
  ];
for (const [what, needs, [sender, recipients, params], header = ''] of cases) {
  test(`${what} ${needs ? 'needs' : 'does not need'} SMTPUTF8`, () => {
    const message = { sender, recipients, params, header: new Header(Buffer.from(header, 'latin1')) };
    assert.equal(needsSmtpUtf8(message), needs);
  });
}
