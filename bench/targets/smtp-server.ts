// nodemailer's smtp-server: a library; its program here is peers/smtp-server.mjs.

import { join } from 'node:path';
import type { Target } from './target.ts';

export const smtpServer: Target = {
  name: 'smtp-server',
  setups: ['plugins', 'bare'],
  needsPeers: true,
  async prepare({ port }) {
    const program = join(import.meta.dirname, '../peers/smtp-server.mjs');
    return { file: process.execPath, args: [program, String(port)] };
  },
};
