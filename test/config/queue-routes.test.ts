import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/config/errors.ts';
import { queueRoutes } from '../../src/config/queue-routes.ts';
import { Address } from '../../src/protocol/address.ts';

const around = { hostname: 'host.example', home: '/home/smtpd' };
const toLines = (texts: readonly string[]) =>
  texts.map((text, at) => ({ text, where: { file: 'queue_routes', line: at + 1 } }));
const parse = (...texts: readonly string[]) => queueRoutes.parse(toLines(texts), around);
const check = (...texts: readonly string[]) =>
  queueRoutes
    .check(toLines(texts), around)
    .map(({ severity, code, where }) => `${severity} ${code} ${where?.line}`);

function target(routes: ReturnType<typeof parse>, recipient: string): string | null {
  const address = Address.parse(`<${recipient}>`, { utf8: true });
  assert.ok(address, recipient);
  return routes.find(address, 'me.example')?.target ?? null;
}

describe('queue_routes', () => {
  const routes = parse(
    '*                     rest',
    '.example.com          below',
    '.a.example.com        nearer',
    'example.com           domain',
    'boss@example.com      address',
    '"a b"@example.com     quoted',
    '[192.0.2.1]           literal',
    'BÜCHER.example        books',
    '.xn--mnchen-3ya.example  munich',
    'jürgen@bücher.example user',
    'postmaster@me.example own',
  );

  for (const [recipient, expected] of [
    ['boss@example.com', 'address'],
    ['BOSS@EXAMPLE.com', 'address'],
    ['"a b"@example.com', 'quoted'],
    ['bob@example.com', 'domain'],
    ['bob@b.example.com', 'below'],
    ['bob@c.b.example.com', 'below'],
    ['bob@a.example.com', 'below'],
    ['bob@x.a.example.com', 'nearer'],
    ['bob@notexample.com', 'rest'],
    ['bob@[192.0.2.1]', 'literal'],
    ['bob@bücher.example', 'books'],
    ['bob@XN--BCHER-KVA.example', 'books'],
    ['bob@x.münchen.example', 'munich'],
    ['jürgen@xn--bcher-kva.example', 'user'],
    ['ju\u0308rgen@bücher.example', 'user'],
    ['Postmaster', 'own'],
    ['abuse', 'rest'],
  ] as const) {
    it(`sends ${recipient} to ${expected}`, () => assert.equal(target(routes, recipient), expected));
  }

  it('has nothing for whom no line covers', () => {
    assert.equal(target(parse('example.com a'), 'bob@sub.example.com'), null);
    assert.equal(target(parse(), 'bob@example.com'), null);
    assert.ok(parse().isEmpty);
    assert.ok(!routes.isEmpty);
  });

  it('takes the first of two lines for the same, and warns', () => {
    assert.equal(target(parse('a.example one', 'A.example two'), 'bob@a.example'), 'one');
    assert.deepEqual(check('a.example one', 'b.example one', 'A.example two'), ['warning DUPLICATE_ROUTE 3']);
  });

  for (const bad of [
    'a.example',
    'a.example one two',
    '@a.example one',
    'a..example one',
    '. one',
    '*.a.example one',
  ]) {
    it(`does not take "${bad}"`, () => {
      assert.throws(() => parse(bad), ConfigError);
      assert.deepEqual(check('good.example one', bad), ['error BAD_VALUE 2']);
    });
  }
});
