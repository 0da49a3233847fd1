// PEM files as keys and certificates, with sentences for the operator where they are none.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** The first certificate of a file. @throws Error with a sentence for the operator */
export function readCertificate(path: string, content: Buffer): X509Certificate {
  try {
    return new X509Certificate(content);
  } catch (error) {
    throw new Error(`${path} holds no certificate (PEM)`, { cause: error });
  }
}

/** @throws Error with a sentence for the operator */
export function readPrivateKey(path: string, content: Buffer): KeyObject {
  try {
    return createPrivateKey(content);
  } catch (error) {
    const isLocked = content.includes('ENCRYPTED');
    throw new Error(
      isLocked
        ? `the key in ${path} needs a passphrase, which nobody is there to type: store it without one`
        : `${path} holds no private key (PEM)`,
      { cause: error },
    );
  }
}

/** Why OpenSSL makes no context of them. */
export function reasonOf(error: unknown): string {
  const reason = error instanceof Error && 'reason' in error ? String(error.reason) : '';
  const words: Record<string, string> = {
    'ee key too small': 'the key is too short: RSA has to have 2048 bits at least',
    'ca key too small': 'the key of an issuer is too short: RSA has to have 2048 bits at least',
    'ca md too weak': 'the certificate is signed with MD5 or SHA-1',
    'dh key too small': 'the Diffie-Hellman parameters are too short: 2048 bits at least',
    'no cipher match': 'config/tls_ciphers names no cipher that OpenSSL has',
  };
  if (reason !== '') return words[reason] ?? reason;
  return error instanceof Error ? error.message : String(error);
}
