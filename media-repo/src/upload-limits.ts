// How large a file may be, by what it is.
import { tooLarge } from '@carillon/protocol/matrix-error.ts';
import type { MediaSettings } from './config.ts';
import type { MediaKind } from './sniff.ts';

type Limits = Pick<MediaSettings, 'max_upload' | 'max_image' | 'max_video' | 'max_audio' | 'max_document'>;

/** The bytes that a file of this kind may have. */
export function limitOf(limits: Limits, kind: MediaKind): number {
  const byKind: Record<MediaKind, number> = {
    image: limits.max_image,
    video: limits.max_video,
    audio: limits.max_audio,
    document: limits.max_document,
    other: limits.max_upload,
  };
  return byKind[kind];
}

/** The bytes that no file may exceed: what clients are told. */
export function largestUpload(limits: Limits): number {
  return Math.max(limits.max_upload, limits.max_image, limits.max_video, limits.max_audio, limits.max_document);
}

const NAMES: Readonly<Record<MediaKind, string>> = {
  image: 'Images',
  video: 'Videos',
  audio: 'Audio files',
  document: 'Documents',
  other: 'Files',
};

/** The refusal, with the limit in it. */
export function tooLargeFor(kind: MediaKind, limitBytes: number) {
  return tooLarge(`${NAMES[kind]} may have at most ${limitBytes} bytes here`);
}
