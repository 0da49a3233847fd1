// Clients that log in, for tests of what a server remembers of failed logins.

import { cleanUp } from './cleanup.ts';
import { connect, type SmtpDialog } from './smtp-dialog.ts';

/** File of the plugin `guesses`, which knows one password: `right`. */
export const guesses = {
  'plugins/guesses.ts': `
    import { definePlugin, deny, ok } from 'qpsmtpd';
    export default definePlugin({
      name: 'guesses', summary: 'knows one password',
      setup: () => ({ 'auth-plain': (at, { password }) => (password === 'right' ? ok() : deny('no')) }),
    });
  `,
};

export const FAILED = /^535 /;
export const LOCKED_OUT = /^421 4\.7\.0 too many failed logins/;

export const plainLogin = (password: string) =>
  `AUTH PLAIN ${Buffer.from(`\0user\0${password}`).toString('base64')}`;

/** Clients that leave before their server is stopped, which would wait for them. */
export class LeavingClients {
  readonly #open = new Set<SmtpDialog>();

  /** To be called before the server is started: what is asked for first is done first. */
  closeAtEnd(): void {
    cleanUp(() => {
      for (const client of this.#open) client.close();
      this.#open.clear();
    });
  }

  async connect({ port }: { readonly port: number }): Promise<SmtpDialog> {
    const client = await connect(port);
    this.#open.add(client);
    return client;
  }

  async greeted(server: { readonly port: number }): Promise<SmtpDialog> {
    const client = await this.connect(server);
    await client.greet();
    return client;
  }
}
