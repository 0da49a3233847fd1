// The smallest server of nodemailer's smtp-server: everyone may send, messages are read to their end and
// forgotten. Usage: node smtp-server.mjs PORT

import { SMTPServer } from 'smtp-server';

const server = new SMTPServer({
  authOptional: true,
  onData(stream, _session, callback) {
    stream.on('end', callback);
    stream.resume();
  },
});
server.on('error', (error) => console.error(error.message));
server.listen(Number(process.argv[2]), '127.0.0.1');
