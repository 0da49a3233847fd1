// SASLprep (RFC 4013, a profile of stringprep, RFC 3454): one form of a name or password for all the ways in which
// it can be typed. Characters younger than Unicode 3.2 pass: RFC 4013 allows that for what is asked for, and the
// passwords of today have them.

// RFC 3454 table C.1.2, which becomes a plain space, and table B.1, which becomes nothing.
const OTHER_SPACE = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;
// biome-ignore lint/suspicious/noMisleadingCharacterClass: these are single characters, not parts of one
const NOTHING = /[\u00ad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]/g;
// Tables C.2.1 and C.2.2 (control), C.3 (private use), C.4 (no characters), C.5 (surrogates), C.6 and C.7 (not plain
// text), C.8 (change of display), C.9 (tags). What C.1.2 has is a space by now.
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200c-\u200f\u2028-\u202e\u2060-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufeff\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;
// Table D.1: letters that run from right to left.
const RIGHT_TO_LEFT =
  /[\u05be\u05c0\u05c3\u05d0-\u05ea\u05f0-\u05f4\u061b\u061f\u0621-\u063a\u0640-\u064a\u066d-\u066f\u0671-\u06d5\u06e5\u06e6\u06fa-\u06fe\u0700-\u070d\u0710\u0712-\u072c\u0780-\u07a5\u07b1\ufb1d\ufb1f-\ufb28\ufb2a-\ufb36\ufb38-\ufb3c\ufb3e\ufb40\ufb41\ufb43\ufb44\ufb46-\ufbb1\ufbd3-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0-\ufdfc\ufe70-\ufe74\ufe76-\ufefc]/u;
const EVERY_RIGHT_TO_LEFT = new RegExp(RIGHT_TO_LEFT.source, 'gu');

/** The prepared text; null when it holds what RFC 4013 prohibits. */
export function saslPrep(text: string): string | null {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const prepared = text.replace(OTHER_SPACE, ' ').replace(NOTHING, '').normalize('NFKC');
  return PROHIBITED.test(prepared) || !isOneDirection(prepared) ? null : prepared;
}

// RFC 3454 section 6: with a right-to-left letter in it, a text begins and ends with one and has no other letters.
function isOneDirection(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return true;
  const chars = [...text];
  const ends = [chars[0] ?? '', chars.at(-1) ?? ''];
  return (
    ends.every((char) => RIGHT_TO_LEFT.test(char)) && !/\p{L}/u.test(text.replace(EVERY_RIGHT_TO_LEFT, ''))
  );
}
