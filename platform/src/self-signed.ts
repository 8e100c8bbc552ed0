// A self-signed TLS certificate (RFC 5280) for a server that was given none: enough to listen with, trusted by nobody.
import { createSign, generateKeyPairSync } from 'node:crypto';
import { isIP } from 'node:net';
import type { Random } from './random.ts';

export interface CertificatePair {
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: string;
}

const SERIAL_BYTES = 16;
const PEM_LINE = 64;

/** A length and content under a tag (X.690, DER). */
function element(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 128) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}

const sequence = (...parts: Uint8Array[]) => element(0x30, ...parts);
const set = (...parts: Uint8Array[]) => element(0x31, ...parts);
const oid = (hex: string) => element(0x06, Buffer.from(hex, 'hex'));
const octets = (content: Uint8Array) => element(0x04, content);
const explicit = (tag: number, content: Uint8Array) => element(0xa0 | tag, content);
/** A bit string without unused bits. */
const bits = (content: Uint8Array) => element(0x03, Buffer.from([0]), content);

const COMMON_NAME = '550403';
const ECDSA_WITH_SHA256 = '2a8648ce3d040302';
const SUBJECT_ALTERNATIVE_NAME = '551d11';

function utcTime(ts: number): Buffer {
  const text = new Date(ts).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return element(0x17, Buffer.from(`${text}Z`));
}

/** `[2]` a DNS name, `[7]` an address in bytes. */
function alternativeName(host: string): Buffer {
  const version = isIP(host);
  if (version === 4) return element(0x87, Buffer.from(host.split('.').map(Number)));
  if (version === 6) return element(0x87, addressBytes(host));
  return element(0x82, Buffer.from(host));
}

/** The 16 bytes of an IPv6 address without an embedded IPv4 one. */
function addressBytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const middle = new Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...middle, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Makes a pair for a host name or an address, valid from `fromTs` to `toTs` (ms since 1970, until 2049). */
export function makeSelfSigned(
  host: string,
  { fromTs, toTs, random }: { fromTs: number; toTs: number; random: Random },
): CertificatePair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid(COMMON_NAME), element(0x0c, Buffer.from(host.slice(0, 64))))));
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const serial = random.bytes(SERIAL_BYTES);
  // A positive number without leading zeros.
  serial.writeUInt8((serial.readUInt8(0) & 0x3f) | 0x40, 0);
  const extension = sequence(oid(SUBJECT_ALTERNATIVE_NAME), octets(sequence(alternativeName(host))));
  const content = sequence(
    explicit(0, element(0x02, Buffer.from([2]))),
    element(0x02, serial),
    algorithm,
    name,
    sequence(utcTime(fromTs), utcTime(toTs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(extension)),
  );
  const signature = createSign('sha256').update(content).sign(privateKey);
  const certificate = sequence(content, algorithm, bits(signature));
  return {
    certificate: toPem('CERTIFICATE', certificate),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${PEM_LINE}}`, 'g')) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
