// Refuses messages that go round in circles, by counting the trace fields that hosts leave (RFC 5321 section 6.3), as
// qmail-smtpd does (qpsmtpd: plugins/loop).

import { declined, definePlugin, deny, option } from 'qpsmtpd';

export default definePlugin({
  name: 'loop',
  summary: 'refuses messages that have passed too many hosts',
  docs: `Every host that a message passes puts a Received field on top of it, and deliveries add Delivered-To.
Messages with as many of these fields as max_hops says, the one of this server included, are taken to be in a loop and
refused with 552. RFC 5321 section 6.3 wants at least 100 Received fields to be let pass: a smaller number is for sites that know the ways of
their mail.

Example, in config/plugins: loop 100

Log lines: "fail" with the number of fields.`,
  options: {
    max_hops: option.integer({
      default: 100,
      min: 1,
      doc: 'number of Received and Delivered-To fields that is too many',
    }),
  },
  positional: ['max_hops'],
  sideEffects: false,
  setup({ options: { max_hops: most } }) {
    return {
      data_post(at) {
        const { header } = at.transaction;
        const hops = header.all('Received').length + header.all('Delivered-To').length;
        if (hops < most) return declined;
        at.log.info(`fail, ${hops} hops`);
        return deny(undefined, 'tooManyHops');
      },
    };
  },
});
