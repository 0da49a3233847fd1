// An address as it is handed to another program: octets of UTF-8, in the form which that program's interface has. SMTP
// and what comes from it has quotes where RFC 5321 needs them. Inside of qmail and Postfix the part before the last @
// stands as it is, and quotes would become part of the name (addresses(5) of qmail; queue files of Postfix).

import type { Address } from 'qpsmtpd';

export type AddressForm = 'quoted' | 'plain';

/** The address holds what none can: a plugin has made it. */
export class UnfitAddressError extends Error {}

/** @throws UnfitAddressError for control characters, which could end a line, a record or an argument */
export function addressText(address: Address, form: AddressForm): string {
  const { localPart, domain } = address;
  const plain = domain === '' ? localPart : `${localPart}@${domain}`;
  const text = form === 'quoted' ? address.toString() : plain;
  if (/[\x00-\x1f\x7f]/.test(text)) throw new UnfitAddressError('an address holds control characters');
  return text;
}

/** @throws UnfitAddressError */
export function addressOctets(address: Address, form: AddressForm): Buffer {
  return Buffer.from(addressText(address, form), 'utf8');
}
