// need_subject.ts: takes no message without a subject.

import { declined, definePlugin, listFile, option } from 'qpsmtpd';

declare module 'qpsmtpd' {
  interface TransactionNotes {
    /** octets of the subject; set by need_subject */
    subject_size: number;
  }
}

export default definePlugin({
  name: 'need_subject',
  summary: 'refuses messages without a subject',
  options: {
    ...option.reject(),
    shortest: option.integer({ default: 1, min: 1, doc: 'octets it must have' }),
  },
  positional: ['shortest'],
  files: {
    no_subject_ok: listFile({
      form: 'DOMAIN',
      doc: 'domains whose senders need no subject',
      parse: (line) => line.toLowerCase(),
    }),
  },
  setup({ options, files, log }) {
    let refused = 0;
    return {
      async data_post(at) {
        if (at.isImmune()) return declined;
        const { sender, header, notes } = at.transaction;
        const exempt = await files.no_subject_ok(at);
        if (exempt.includes(sender.asciiDomain.toLowerCase())) return declined;
        const size = header.get('Subject')?.length ?? 0;
        notes.set('subject_size', size);
        if (size >= options.shortest) {
          at.log.info('pass');
          return declined;
        }
        refused++;
        at.adjustKarma(-1);
        return at.reject('a message needs a subject', { log: `${size} octets` });
      },
      disconnect: () => {
        if (refused > 0) log.debug(`${refused} refused so far`);
      },
    };
  },
});
