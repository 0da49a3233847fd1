// Names in a Maildir: of its files, as maildir(5) wants them, and of the folder of a recipient. A recipient's
// address is written by a stranger: whatever it says, its folder lies below the base folder and is not hidden.

import type { Address, Host } from 'qpsmtpd';

/** Gives names TIME.P<pid>M<microseconds>Q<count>.<host>, each another one. */
export function fileNames({ clock, pid, hostname }: Pick<Host, 'clock' | 'pid' | 'hostname'>): () => string {
  const host = hostInName(hostname);
  let count = 0;
  return () => {
    const now = clock.now().getTime();
    // The time of day comes in milliseconds; the clock that only goes forward has the digits below.
    const micro = (now % 1000) * 1000 + Math.floor((clock.monotonic() * 1000) % 1000);
    return `${Math.floor(now / 1000)}.P${pid}M${micro}Q${count++}.${host}`;
  };
}

/** maildir(5): a slash becomes \057 and a colon \072; so does all else that no host name has. */
export function hostInName(hostname: string): string {
  const octal = (char: string) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  return hostname.replace(/[^\w.-]/g, octal);
}

/** Puts an address in the place of %l, %d and %u. `ownDomain` is that of a bare postmaster. */
export function recipientFolder(template: string, address: Address, ownDomain: string): string {
  const local = inFolderName(address.localPart);
  const domain = inFolderName(address.asciiDomain || ownDomain);
  const parts: Readonly<Record<string, string>> = { l: local, d: domain, u: `${local}@${domain}` };
  return template.replace(/%([ldu])/g, (_all, letter: string) => parts[letter] ?? '');
}

// Letters of all scripts stay, or whole local parts beyond ASCII would share one folder.
const NOT_IN_FOLDER_NAME = /[^-A-Za-z0-9+_.,@=\p{L}\p{M}\p{N}]/gu;

// Never empty and never with a dot in front: then no folder name that it stands in is '', '.' or '..'.
function inFolderName(text: string): string {
  const plain = text
    .normalize()
    .replace(NOT_IN_FOLDER_NAME, '_')
    .replace(/^\.+/, (dots) => '_'.repeat(dots.length));
  return plain || '_';
}
