import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scramSecretOf } from '../../src/protocol/scram-secret.ts';

describe('the SCRAM-SHA-256 secret of a password', () => {
  const terms = { salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), iterations: 4096 };

  it('is that of other implementations', () => {
    const { storedKey, serverKey, salt, iterations } = scramSecretOf('pencil', terms);
    // Password and salt are those of the example in RFC 7677 section 3.
    assert.equal(storedKey.toString('base64'), 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=');
    assert.equal(serverKey.toString('base64'), 'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=');
    assert.deepEqual({ salt, iterations }, terms);
  });

  it('is one for all spellings that SASLprep makes one', () => {
    assert.deepEqual(scramSecretOf('I\u00adX', terms), scramSecretOf('\u2168', terms));
    assert.notDeepEqual(scramSecretOf('ix', terms), scramSecretOf('IX', terms));
  });

  it('is there for allowed passwords only', () => {
    for (const password of ['', '\u00ad', 'a\u0007']) {
      assert.throws(() => scramSecretOf(password, terms), /SASLprep/);
    }
  });
});
