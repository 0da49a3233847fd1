// A plugin that keeps a process from serving for as long as there is a file `slow` in the folder of the server.

export const slowPlugin = {
  'plugins/slow.ts': `
    import { existsSync } from 'node:fs';
    import { join } from 'node:path';
    import { definePlugin } from 'qpsmtpd';
    export default definePlugin({
      name: 'slow', summary: 'begins late',
      setup: () => ({
        async 'post-fork'(at) {
          const file = join(import.meta.dirname, '..', 'slow');
          if (existsSync(file)) at.log.warn('begins late');
          while (existsSync(file)) await new Promise((next) => setTimeout(next, 20));
        },
      }),
    });
  `,
};
