// What a program reads on its standard input: a file without a name that holds the whole message. The message ends
// where the file does, whatever becomes of the server: nobody takes half of one for the whole.

import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { LineEnds, MessageContent } from 'qpsmtpd';

/**
 * The file, to be read from its start. The caller closes it.
 *
 * @param path where nothing is yet
 * @throws the file system's error; nothing is left behind then
 */
export async function inputFile(
  path: string,
  head: Buffer,
  content: MessageContent,
  lineEnds: LineEnds,
): Promise<FileHandle> {
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    // The position is given with each write, so that the descriptor stays at the beginning.
    let at = await writeAll(file, [head], 0);
    const pieces = content.inMemory(lineEnds);
    if (pieces !== null) await writeAll(file, pieces, at);
    else for await (const chunk of content.chunks(lineEnds)) at = await writeAll(file, [chunk], at);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function writeAll(file: FileHandle, pieces: readonly Buffer[], from: number): Promise<number> {
  const whole = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  if (whole === undefined) return from;
  for (let done = 0; done < whole.length; ) {
    done += (await file.write(whole, done, whole.length - done, from + done)).bytesWritten;
  }
  return from + whole.length;
}
