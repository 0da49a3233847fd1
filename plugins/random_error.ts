// Refuses at random and for now, to see how clients deal with it (qpsmtpd: plugins/random_error).

import {
  type AtSession,
  declined,
  definePlugin,
  denySoft,
  disconnect,
  OptionError,
  option,
  type Plugin,
} from 'qpsmtpd';

// Points that a message passes: connect, HELO or EHLO, MAIL, RCPT, DATA, and the message itself.
const POINTS = 6;
const TEXT = 'random failure';
const RATE = 'random_fail_%';

const number = option.number({
  default: 1,
  doc: 'percentage of messages that meet an error; a negative number means none',
});
const percent: typeof number = {
  ...number,
  parse(text) {
    const value = number.parse(text);
    if (value > 100) throw new OptionError(`${text} is more than 100 percent`);
    return value;
  },
};

/** @param random gives numbers from 0 to below 1 */
export function randomErrorPlugin(random: () => number): Plugin<{ readonly percent: typeof percent }> {
  return definePlugin({
    name: 'random_error',
    summary: 'refuses at random, to test clients',
    docs: `For tests of clients: refuses connections and commands at random, for now (4xx), so that a good client loses no
mail by it. Two of five refusals also end the connection.

The number is the percentage of messages that meet an error on their way. A message has ${POINTS} points to pass: connect, HELO
or EHLO, MAIL, RCPT, DATA, and the end of its text. The chance at each of them is such that all together come to
that percentage, so further recipients and further messages make further chances.

When a client connects, the note ${RATE} of its connection is set to the percentage. Another plugin may set another one
afterwards, which then counts for this connection.

Example, in config/plugins: random_error 5

Log lines: the number that the next throw of the dice has to exceed for an error.`,
    options: { percent },
    positional: ['percent'],
    setup({ options }) {
      const throwDice = (at: AtSession) => {
        const bound = chanceToPass(at.connection.notes.get(RATE) ?? options.percent);
        at.log.info(`to fail, the dice must show more than ${bound.toFixed(4)}`);
        if (random() < bound) return declined;
        return random() < 2 / 5 ? disconnect(denySoft(TEXT, '4.3.0')) : denySoft(TEXT, '4.3.0');
      };
      return {
        connect(at) {
          at.connection.notes.set(RATE, options.percent);
          return throwDice(at);
        },
        helo: throwDice,
        ehlo: throwDice,
        mail: throwDice,
        rcpt: throwDice,
        data: throwDice,
        data_post: throwDice,
      };
    },
  });
}

/** Chance to pass one point, so that `percent` of those who pass all of them are stopped somewhere. */
function chanceToPass(percent: number): number {
  return Math.max(0, 1 - percent / 100) ** (1 / POINTS);
}

export default randomErrorPlugin(Math.random);
