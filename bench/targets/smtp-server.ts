// nodemailer's smtp-server: a library; its program here is peers/smtp-server.mjs.

import { join } from 'node:path';
import { writeCertificate } from '../certificate.ts';
import type { Target } from './target.ts';

export const smtpServer: Target = {
  name: 'smtp-server',
  setups: ['plugins', 'bare', 'tls', 'tls-rsa'],
  needsPeers: true,
  async prepare(place) {
    const program = join(import.meta.dirname, '../peers/smtp-server.mjs');
    const certificate = await writeCertificate(place);
    const files = certificate === null ? [] : [certificate.cert, certificate.key];
    return { file: process.execPath, args: [program, String(place.port), ...files] };
  },
};
