// A process that decodes pictures from strangers, and nothing else: it has no files, no keys, no database, and is killed
// when it takes too long. It ends itself when it takes too much memory.
import { answerJobs } from '@carillon/platform/job-processes.ts';
import { encode } from 'blurhash';
import sharp, { type Metadata, type Sharp } from 'sharp';
import type { Picture, ThumbnailJob, ThumbnailOutcome } from './thumbnail-job.ts';

const MAX_RESIDENT_BYTES = 1_000_000_000;
const BLURHASH_SIDE = 32;
const JPEG_QUALITY = 80;

/** The loaders of libvips that may run: everything else stays blocked, whatever the bytes say. */
const LOADERS = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif'].map((name) => `VipsForeignLoad${name}Buffer`);
const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'gif', 'heif']);

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: LOADERS });
sharp.concurrency(1);
sharp.cache(false);

answerJobs<ThumbnailJob, ThumbnailOutcome>({ maxResidentBytes: MAX_RESIDENT_BYTES }, (job) =>
  run(job).catch((): ThumbnailOutcome => ({ kind: 'undecodable' })),
);

async function run({ bytes, maxPixels, variant }: ThumbnailJob): Promise<ThumbnailOutcome> {
  // The head only: nothing is decoded before the pixels are counted.
  const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
  if (!FORMATS.has(metadata.format ?? '')) return { kind: 'undecodable' };
  const picture = pictureOf(metadata);
  const pages = metadata.pages ?? 1;
  const pixels = picture.width * picture.height;
  if (pixels > maxPixels) return { kind: 'tooManyPixels' };
  if (variant === null) return { kind: 'seen', picture, blurhash: await blurhashOf(bytes, maxPixels) };
  const animated = variant.animated && picture.isAnimated && pixels * pages <= maxPixels;
  const isSmall = picture.width <= variant.width && picture.height <= variant.height;
  if (isSmall && animated === picture.isAnimated) return { kind: 'original' };
  const image = sharp(bytes, { limitInputPixels: maxPixels, animated, failOn: 'error' })
    .autoOrient()
    .resize({
      width: variant.width,
      height: variant.height,
      fit: variant.crop ? 'cover' : 'inside',
      withoutEnlargement: true,
    });
  return encodeAs(image, animated, metadata.hasAlpha === true);
}

async function encodeAs(image: Sharp, animated: boolean, hasAlpha: boolean): Promise<ThumbnailOutcome> {
  if (animated) return { kind: 'made', bytes: await image.webp({ effort: 2 }).toBuffer(), type: 'image/webp' };
  if (hasAlpha) return { kind: 'made', bytes: await image.png({ compressionLevel: 6 }).toBuffer(), type: 'image/png' };
  return { kind: 'made', bytes: await image.jpeg({ quality: JPEG_QUALITY }).toBuffer(), type: 'image/jpeg' };
}

/** As it is seen: turned as its EXIF says. */
function pictureOf({ width, height, pageHeight, orientation, pages, format }: Metadata): Picture {
  const tall = pageHeight ?? height ?? 0;
  const isTurned = (orientation ?? 1) >= 5;
  const isAnimated = (format === 'gif' || format === 'webp') && (pages ?? 1) > 1;
  return { width: isTurned ? tall : (width ?? 0), height: isTurned ? (width ?? 0) : tall, isAnimated };
}

async function blurhashOf(bytes: Uint8Array, maxPixels: number): Promise<string> {
  const { data, info } = await sharp(bytes, { limitInputPixels: maxPixels })
    .autoOrient()
    .resize({ width: BLURHASH_SIDE, height: BLURHASH_SIDE, fit: 'inside' })
    .ensureAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const isWide = info.width >= info.height;
  return encode(new Uint8ClampedArray(data), info.width, info.height, isWide ? 4 : 3, isWide ? 3 : 4);
}
