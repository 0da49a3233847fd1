// The argument of BDAT (RFC 3030 section 2): `size`, then perhaps `LAST`.

export interface ChunkCommand {
  /** octets that follow the command line */
  readonly size: number;
  readonly isLast: boolean;
  /** something other than LAST stands behind the size */
  readonly hasJunk: boolean;
}

// 15 digits are more than there will ever be to send, and still a whole number.
const SIZE_AND_WORD = /^(\d{1,15})(?:\s+(\S.*))?$/;

/** Null where the size cannot be read, and with it nobody knows where the chunk ends. */
export function parseBdatArgument(argument: string): ChunkCommand | null {
  const [, digits, word = ''] = SIZE_AND_WORD.exec(argument) ?? [];
  if (digits === undefined) return null;
  const isLast = /^last$/i.test(word);
  return { size: Number(digits), isLast, hasJunk: word !== '' && !isLast };
}
