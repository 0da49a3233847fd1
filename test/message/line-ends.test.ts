import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineEndConverter } from '../../src/message/line-ends.ts';

function converted(to: 'lf' | 'crlf', pieces: readonly string[]): string {
  const converter = new LineEndConverter(to);
  const out = pieces.map((piece) => converter.convert(Buffer.from(piece, 'latin1')));
  return Buffer.concat([...out, converter.end()]).toString('latin1');
}

describe('a converter of line ends', () => {
  it('agrees with a conversion of the whole, for all short texts and all cuts', () => {
    const chars = ['x', '\r', '\n'];
    let texts = [''];
    for (let length = 1; length <= 6; length++) {
      texts = texts.flatMap((text) => chars.map((char) => text + char));
      for (const text of texts) {
        const whole = { lf: text.replaceAll('\r\n', '\n'), crlf: text.replace(/\r?\n/g, '\r\n') };
        for (let cut = 0; cut <= length; cut++) {
          const pieces = [text.slice(0, cut), text.slice(cut)];
          assert.equal(converted('lf', pieces), whole.lf, JSON.stringify(pieces));
          assert.equal(converted('crlf', pieces), whole.crlf, JSON.stringify(pieces));
        }
      }
    }
  });

  it('does not lose a CR where a piece gains as many octets as it loses', () => {
    assert.equal(converted('crlf', ['ab\n\r', 'c']), 'ab\r\n\rc');
    assert.equal(converted('lf', ['a\r', 'x\r\n']), 'a\rx\n');
  });

  it('hands a piece on as it is when nothing has to change', () => {
    const piece = Buffer.from('a\r\n\xffb\r\n', 'latin1');
    assert.equal(new LineEndConverter('crlf').convert(piece), piece);
    const files = Buffer.from('a\nb\n');
    assert.equal(new LineEndConverter('lf').convert(files), files);
    const any = Buffer.from('a\nb\r\n\r');
    assert.equal(new LineEndConverter('as-received').convert(any), any);
  });

  it('can be used again after the end', () => {
    const converter = new LineEndConverter('lf');
    converter.convert(Buffer.from('a\r'));
    assert.equal(converter.end().toString(), '\r');
    assert.equal(converter.end().length, 0);
    assert.equal(converter.convert(Buffer.from('\n')).toString(), '\n');
  });
});
