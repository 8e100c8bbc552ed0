// What a file is by its first bytes, never by its name or what its sender calls it.

export type MediaKind = 'image' | 'video' | 'audio' | 'document' | 'other';

export interface Sniffed {
  readonly kind: MediaKind;
  /** The type that the bytes show; null where they are nothing that is known here, such as something encrypted. */
  readonly type: string | null;
}

/** How many bytes from the start are looked at. */
export const SNIFF_BYTES = 4096;

const UNKNOWN: Sniffed = { kind: 'other', type: null };

type Look = (head: Buffer) => Sniffed | null;

const startsWith = (bytes: string, kind: MediaKind, type: string): Look => {
  const magic = Buffer.from(bytes, 'latin1');
  return (head) => (head.subarray(0, magic.length).equals(magic) ? { kind, type } : null);
};

const ascii = (head: Buffer, from: number, to: number): string => head.toString('latin1', from, to);

function riff(head: Buffer): Sniffed | null {
  if (ascii(head, 0, 4) !== 'RIFF') return null;
  const form = ascii(head, 8, 12);
  if (form === 'WEBP') return { kind: 'image', type: 'image/webp' };
  return form === 'WAVE' ? { kind: 'audio', type: 'audio/wav' } : null;
}

/** MP4 and AVIF are boxes; the first names the brand, and the brands it is compatible with. */
function boxes(head: Buffer): Sniffed | null {
  if (head.length < 16 || ascii(head, 4, 8) !== 'ftyp') return null;
  const end = Math.min(head.readUInt32BE(0), head.length);
  const brands = [ascii(head, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(head, at, at + 4));
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return { kind: 'image', type: 'image/avif' };
  if (brands[0] === 'M4A ' || brands[0] === 'M4B ') return { kind: 'audio', type: 'audio/mp4' };
  if (brands[0] === 'qt  ') return { kind: 'video', type: 'video/quicktime' };
  return brands.some((brand) => /^(mp4[12]|iso[m2-9]|avc1|dash|M4V |MSNV)$/.test(brand))
    ? { kind: 'video', type: 'video/mp4' }
    : null;
}

function matroska(head: Buffer): Sniffed | null {
  if (head.length < 4 || head.readUInt32BE(0) !== 0x1a45dfa3) return null;
  return head.subarray(0, 64).includes('webm') ? { kind: 'video', type: 'video/webm' } : null;
}

function ogg(head: Buffer): Sniffed | null {
  if (ascii(head, 0, 4) !== 'OggS') return null;
  const isVideo = head.subarray(0, 64).includes('theora');
  return isVideo ? { kind: 'video', type: 'video/ogg' } : { kind: 'audio', type: 'audio/ogg' };
}

/** An ID3 tag, or the sync word of an MPEG audio frame of layer III with a rate and a frequency that exist. */
function mp3(head: Buffer): Sniffed | null {
  const found: Sniffed = { kind: 'audio', type: 'audio/mpeg' };
  if (ascii(head, 0, 3) === 'ID3') return found;
  if (head.length < 4) return null;
  const frame = head.readUInt32BE(0);
  const isSync = frame >>> 21 === 0x7ff && ((frame >>> 17) & 3) === 1 && ((frame >>> 19) & 3) !== 1;
  const rate = (frame >>> 12) & 15;
  return isSync && rate !== 0 && rate !== 15 && ((frame >>> 10) & 3) !== 3 ? found : null;
}

function docx(head: Buffer): Sniffed | null {
  if (ascii(head, 0, 4) !== 'PK\x03\x04') return null;
  const isDocx = head.includes('[Content_Types].xml') && head.includes('word/');
  const type = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
  return isDocx ? { kind: 'document', type } : null;
}

const LOOKS: readonly Look[] = [
  startsWith('\xff\xd8\xff', 'image', 'image/jpeg'),
  startsWith('\x89PNG\r\n\x1a\n', 'image', 'image/png'),
  startsWith('GIF87a', 'image', 'image/gif'),
  startsWith('GIF89a', 'image', 'image/gif'),
  startsWith('%PDF-', 'document', 'application/pdf'),
  riff,
  boxes,
  matroska,
  ogg,
  docx,
  mp3,
];

/** Looks at a file's first bytes (SNIFF_BYTES of them, or all there are). */
export function sniff(head: Buffer): Sniffed {
  for (const look of LOOKS) {
    const found = look(head);
    if (found !== null) return found;
  }
  return UNKNOWN;
}
