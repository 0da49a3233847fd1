// A plugin on disk that refuses by the local part of an address, for good or for the first time, at each place where a
// server may refuse.

/** Name for config/plugins; it has to stand before the queue. */
export const choosyLine = 'queue/choosy';

/**
 * For `files` of startServer. Local parts: `later-rcpt`, `never-rcpt` (at RCPT), `later-data`, `never-data` (the whole
 * message, at its end), `later-alone`, `never-alone` (this recipient alone, at the end of the message).
 */
export const choosyPlugin = {
  'plugins/queue/choosy.ts': `
    import { declined, definePlugin, deny, denySoft } from 'qpsmtpd';

    export default definePlugin({
      name: 'queue/choosy',
      summary: 'refuses some',
      setup() {
        const known = new Set();
        const judge = (address, place) => {
          const [when, where] = address.localPart.split('-');
          if (where !== place) return null;
          if (when === 'never') return deny('never ' + place, '5.7.1');
          if (when !== 'later' || known.has(address.key)) return null;
          known.add(address.key);
          return denySoft('later ' + place, '4.7.1');
        };
        return {
          rcpt: (at, address) => judge(address, 'rcpt') ?? declined,
          data_post: ({ transaction }) =>
            transaction.recipients.map((one) => judge(one, 'data')).find((verdict) => verdict !== null) ?? declined,
          queue({ transaction }) {
            for (const one of [...transaction.recipients]) {
              const verdict = judge(one, 'alone');
              if (verdict === null) continue;
              transaction.answerRecipient(one, verdict);
              transaction.removeRecipient(one);
            }
            return declined;
          },
        };
      },
    });
  `,
} as const;
