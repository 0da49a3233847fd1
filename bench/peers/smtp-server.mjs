// The smallest server of nodemailer's smtp-server: everyone may send, messages are read to their end and
// forgotten. Usage: node smtp-server.mjs PORT [CERT KEY]

import { readFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';

const [port, cert, key] = process.argv.slice(2);
const server = new SMTPServer({
  authOptional: true,
  ...(cert && { cert: readFileSync(cert), key: readFileSync(key) }),
  onData(stream, _session, callback) {
    stream.on('end', callback);
    stream.resume();
  },
});
server.on('error', (error) => console.error(error.message));
server.listen(Number(port), '127.0.0.1');
