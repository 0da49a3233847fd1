// Where nobody may listen in: what is left of the login without TLS on the way to another machine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logIn } from '../../src/net/smtp-login.ts';

const login = { user: 'me', password: 'secret' };

test('without TLS no password is sent', async () => {
  const said: string[] = [];
  const command = async (line: string) => {
    said.push(line);
    return { code: 235, status: null, lines: [''] };
  };
  const failed = logIn(login, { mechanisms: ['PLAIN', 'LOGIN'], isPrivate: false, command });
  await assert.rejects(failed, { message: 'login: 454 4.7.0 passwords are not sent without TLS' });
  assert.deepEqual(said, []);
  await logIn(login, { mechanisms: ['PLAIN', 'CRAM-MD5'], isPrivate: false, command }).catch(() => {});
  assert.deepEqual(said, ['AUTH CRAM-MD5']);
});

test('PLAIN comes before LOGIN before CRAM-MD5 where nobody can listen', async () => {
  const firsts: string[] = [];
  for (const mechanisms of [['CRAM-MD5', 'LOGIN', 'PLAIN'], ['CRAM-MD5', 'LOGIN'], ['CRAM-MD5']]) {
    const command = async (line: string) => {
      firsts.push(line.split(' ').slice(0, 2).join(' '));
      return { code: 235, status: null, lines: [''] };
    };
    await logIn(login, { mechanisms, isPrivate: true, command });
  }
  assert.deepEqual(firsts, ['AUTH PLAIN', 'AUTH LOGIN', 'AUTH CRAM-MD5']);
});
