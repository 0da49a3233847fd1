import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bold, escapeText, example, item, paragraph, roff, sentence } from '../../scripts/man/roff.ts';

describe('escapeText', () => {
  it('makes everything that roff would understand plain text', () => {
    assert.equal(
      escapeText('\\n "a" \'b\' ~/tmp --x ^`'),
      '\\en \\(dqa\\(dq \\(aqb\\(aq \\(ti/tmp \\-\\-x \\(ha\\(ga',
    );
  });

  it('writes an ellipsis in ASCII, and throws for what else not every troff can show', () => {
    assert.equal(escapeText('WORD…'), 'WORD...');
    assert.throws(() => escapeText('a – b'), /cannot show "–"/);
  });
});

describe('paragraph', () => {
  it('lets no line begin with a dot that could be a request', () => {
    assert.equal(paragraph('.so /etc/passwd'), '.PP\n\\&.so /etc/passwd');
    const lines = paragraph(`${'word '.repeat(15)}abcd .example`).split('\n');
    assert.equal(lines.at(-1), '\\&.example');
  });

  it('fills lines and gives empty texts no line of blanks', () => {
    const lines = paragraph(`  ${'lorem ipsum\n  '.repeat(20)}`).split('\n');
    assert.ok(lines.length > 2);
    assert.ok(lines.every((line) => line.length <= 80 && line === line.trim()));
  });
});

describe('item', () => {
  it('makes bold what stands in backticks, and gives a term without text something to stand for it', () => {
    assert.equal(item(roff`x`, "say `a-b` or 'c"), '.TP\nx\nsay \\fBa\\-b\\fR or \\(aqc');
    assert.equal(item(roff`x`, '', 'more'), '.TP\nx\nmore');
    assert.equal(item(roff`x`, ''), '.TP\nx\n\\&');
  });
});

describe('sentence', () => {
  it('begins with a capital and ends with a full stop, but leaves values as they are', () => {
    assert.equal(sentence('a thing'), 'A thing.');
    assert.equal(sentence('Is it?'), 'Is it?');
    assert.equal(sentence('try: if it is there'), 'try: if it is there.');
    assert.equal(sentence('`x` is set'), '`x` is set.');
  });
});

describe('item and example', () => {
  it('guard their terms and lines, too', () => {
    assert.equal(item(roff`.x`, '.y'), '.TP\n\\&.x\n\\&.y');
    assert.equal(example(['a', '', 'b']), '.PP\n.RS 4\n.nf\na\n\\&\nb\n.fi\n.RE');
    assert.equal(example(["'a", '.b']), '.PP\n.RS 4\n.nf\n\\(aqa\n\\&.b\n.fi\n.RE');
  });
});

describe('roff`…`', () => {
  it('escapes text and leaves roff as it is', () => {
    assert.equal(roff`a-b ${bold('me-x')} ${'c-d'}`.source, 'a\\-b \\fBme\\-x\\fR c\\-d');
  });
});
