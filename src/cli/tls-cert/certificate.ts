// A self-signed certificate (RFC 5280) and a request for one (PKCS #10, RFC 2986), both as PEM. The structures are
// those of @peculiar/asn1-*; keys and signatures are Node's. Imported by nobody but a running `tls-cert`: the packages
// take 20 ms to load.

import { createPublicKey, hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { Attributes, CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  Attribute,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import type { HostNames, Subject, SubjectField } from './subject.ts';

export interface Wanted {
  /** private, RSA or of an elliptic curve */
  readonly key: KeyObject;
  readonly subject: Subject;
  readonly names: HostNames;
}

export interface Lifetime {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const fieldIds: Readonly<Record<SubjectField, string>> = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  email: '1.2.840.113549.1.9.1',
};

const ecdsaWithSha256 = () => new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' });
const rsaWithSha256 = () => new AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters: null });
const extensionRequest = '1.2.840.113549.1.9.14';

/** A certificate for a server that no CA has signed, as PEM. */
export function selfSigned(wanted: Wanted, { notBefore, notAfter }: Lifetime): string {
  const { key, subject } = wanted;
  const publicKey = publicKeyOf(key);
  const id = new Uint8Array(Buffer.from(hash('sha1', Buffer.from(publicKey.subjectPublicKey)), 'hex')).buffer;
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: freshSerial(),
    signature: algorithmOf(key),
    issuer: nameOf(subject),
    validity: new Validity({ notBefore, notAfter }),
    subject: nameOf(subject),
    subjectPublicKeyInfo: publicKey,
    extensions: new Extensions([
      extension(id_ce_basicConstraints, new BasicConstraints(), true),
      ...extensionsOf(wanted),
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(id)),
      extension(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(id) }),
      ),
    ]),
  });
  const signatureValue = signed(tbsCertificate, key);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithmOf(key),
    signatureValue,
  });
  return pem('CERTIFICATE', certificate);
}

/** What a CA needs to make a certificate, as PEM. */
export function signingRequest(wanted: Wanted): string {
  const { key, subject } = wanted;
  const extensions = new Extensions(extensionsOf(wanted));
  const certificationRequestInfo = new CertificationRequestInfo({
    subject: nameOf(subject),
    subjectPKInfo: publicKeyOf(key),
    attributes: new Attributes([
      new Attribute({ type: extensionRequest, values: [AsnConvert.serialize(extensions)] }),
    ]),
  });
  const signature = signed(certificationRequestInfo, key);
  const request = new CertificationRequest({
    certificationRequestInfo,
    signatureAlgorithm: algorithmOf(key),
    signature,
  });
  return pem('CERTIFICATE REQUEST', request);
}

/** What is asked of a CA, too. */
function extensionsOf({ key, names }: Wanted): Extension[] {
  const { digitalSignature, keyEncipherment } = KeyUsageFlags;
  // Only the RSA key exchange of TLS 1.2 enciphers with the key of the certificate.
  const usage = key.asymmetricKeyType === 'rsa' ? digitalSignature | keyEncipherment : digitalSignature;
  const general = [
    ...names.dns.map((dNSName) => new GeneralName({ dNSName })),
    ...names.ip.map((iPAddress) => new GeneralName({ iPAddress })),
  ];
  return [
    extension(id_ce_keyUsage, new KeyUsage(usage), true),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
    extension(id_ce_subjectAltName, new SubjectAlternativeName(general)),
  ];
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function nameOf(subject: Subject): Name {
  return new Name(
    subject.map(([field, text]) => {
      const value = new AttributeValue(stringOf(field, text));
      return new RelativeDistinguishedName([new AttributeTypeAndValue({ type: fieldIds[field], value })]);
    }),
  );
}

/** The kind of string that RFC 5280, appendix A, has for the field. */
function stringOf(field: SubjectField, text: string): Partial<AttributeValue> {
  if (field === 'C') return { printableString: text };
  return field === 'email' ? { ia5String: text } : { utf8String: text };
}

const publicKeyOf = (key: KeyObject) =>
  AsnConvert.parse(createPublicKey(key).export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo);

const algorithmOf = (key: KeyObject) =>
  key.asymmetricKeyType === 'rsa' ? rsaWithSha256() : ecdsaWithSha256();

function signed(value: object, key: KeyObject): ArrayBuffer {
  return new Uint8Array(sign('sha256', Buffer.from(AsnConvert.serialize(value)), key)).buffer;
}

/** Random, positive and 16 octets long whatever the dice say. */
function freshSerial(): ArrayBuffer {
  const serial = new Uint8Array(randomBytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.buffer;
}

function pem(label: string, value: object): string {
  const text = Buffer.from(AsnConvert.serialize(value)).toString('base64');
  return `-----BEGIN ${label}-----\n${text.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
}
