// Certificates for tests, made in process: signed by themselves or by another of them, for servers, clients or CAs.

import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_subjectAltName,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

export interface TestCertificate {
  readonly name: string;
  /** PEM */
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  /** RSA keys take a while to make */
  readonly kind?: 'ec' | 'rsa';
  /** of an RSA key; 2048 where it is missing */
  readonly bits?: number;
  readonly issuer?: TestCertificate;
  readonly isCa?: boolean;
  readonly digest?: 'sha256' | 'sha384';
  /** from now; negative: has expired */
  readonly days?: number;
  /** the key of another certificate, in place of a new one */
  readonly privateKey?: KeyObject;
}

const DAY_MS = 86_400_000;
const COMMON_NAME = '2.5.4.3';
const algorithms = {
  'ec sha256': '1.2.840.10045.4.3.2',
  'ec sha384': '1.2.840.10045.4.3.3',
  'rsa sha256': '1.2.840.113549.1.1.11',
  'rsa sha384': '1.2.840.113549.1.1.12',
} as const;

/** @param name common name, and the name of the host */
export function makeCertificate(name: string, options: CertificateOptions = {}): TestCertificate {
  const { kind = 'ec', issuer, digest = 'sha256', days = 90 } = options;
  const privateKey = options.privateKey ?? makeKey(kind, options.bits);
  const signer = issuer?.privateKey ?? privateKey;
  const signature = algorithmOf(signer, digest);
  const until = Date.now() + days * DAY_MS;
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: exact(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    signature,
    issuer: nameOf(issuer?.name ?? name),
    validity: new Validity({ notBefore: new Date(until - 1000 * DAY_MS), notAfter: new Date(until) }),
    subject: nameOf(name),
    subjectPublicKeyInfo: AsnConvert.parse(
      createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
      SubjectPublicKeyInfo,
    ),
    extensions: new Extensions([
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: options.isCa ?? false })),
      extension(id_ce_subjectAltName, new SubjectAlternativeName([new GeneralName({ dNSName: name })])),
    ]),
  });
  const signatureValue = exact(sign(digest, Buffer.from(AsnConvert.serialize(tbsCertificate)), signer));
  const whole = new Certificate({ tbsCertificate, signatureAlgorithm: signature, signatureValue });
  const base64 = Buffer.from(AsnConvert.serialize(whole)).toString('base64');
  const cert = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;
  return { name, cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), privateKey };
}

function makeKey(kind: 'ec' | 'rsa', modulusLength = 2048): KeyObject {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function algorithmOf(key: KeyObject, digest: 'sha256' | 'sha384'): AlgorithmIdentifier {
  if (key.asymmetricKeyType !== 'rsa') {
    return new AlgorithmIdentifier({ algorithm: algorithms[`ec ${digest}`] });
  }
  return new AlgorithmIdentifier({ algorithm: algorithms[`rsa ${digest}`], parameters: null });
}

function extension(extnID: string, value: object): Extension {
  return new Extension({ extnID, critical: false, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function nameOf(text: string): Name {
  const value = new AttributeValue({ utf8String: text });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

const exact = (octets: Buffer) => new Uint8Array(octets).buffer;
