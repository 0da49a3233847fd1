// The certificate of a server under test, for the workloads with TLS: signed by itself, made anew for each server.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate } from '../test/support/certificates.ts';
import { DOMAIN, type Place } from './targets/target.ts';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Writes key and certificate into the folder of the server; null for a set-up without TLS. */
export async function writeCertificate({ folder, setup }: Place): Promise<CertificateFiles | null> {
  if (setup !== 'tls' && setup !== 'tls-rsa') return null;
  const made = makeCertificate(`mail.${DOMAIN}`, { kind: setup === 'tls' ? 'ec' : 'rsa' });
  const files = { cert: join(folder, 'tls_cert.pem'), key: join(folder, 'tls_key.pem') };
  await writeFile(files.cert, made.cert);
  await writeFile(files.key, made.key, { mode: 0o600 });
  return files;
}
