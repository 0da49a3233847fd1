// The files of `tls-cert`: written whole or not at all, the key for its owner alone, and nothing that is there
// replaced unless the operator says so.

import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';

/** By what --key says. */
const makers: Readonly<Record<string, () => KeyObject>> = {
  'p-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  rsa: () => rsa(2048),
  'rsa-2048': () => rsa(2048),
  'rsa-3072': () => rsa(3072),
};

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;

export const keyKinds: readonly string[] = Object.keys(makers);

/** @param kind one of `keyKinds`; null is given for any other word */
export function makeKey(kind: string): KeyObject | null {
  return Object.hasOwn(makers, kind) ? (makers[kind]?.() ?? null) : null;
}

/** @throws Error when the file cannot be read, or has no RSA or EC key without a passphrase */
export function readKey(file: string): KeyObject {
  const key = createPrivateKey(readFileSync(file));
  const type = key.asymmetricKeyType ?? 'unknown';
  if (type !== 'rsa' && type !== 'ec')
    throw new Error(`a key of type ${type} cannot be used, only RSA and EC`);
  return key;
}

export const keyText = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

export interface Output {
  readonly file: string;
  readonly text: string;
  readonly mode: number;
}

/** @param replace false = @throws an EEXIST error when the file is there */
export function writeOutput({ file, text, mode }: Output, replace: boolean): void {
  const draft = `${file}.${process.pid}.new`;
  // What a process of this number left when it was killed.
  rmSync(draft, { force: true });
  const fd = openSync(draft, 'wx', mode);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
    // A link, unlike a rename, fails when the name is taken.
    if (replace) renameSync(draft, file);
    else linkSync(draft, file);
  } finally {
    closeSync(fd);
    rmSync(draft, { force: true });
  }
}
