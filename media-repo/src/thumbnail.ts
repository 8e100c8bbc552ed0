// Thumbnails: found, or made once for all who ask at the same time, and kept until nobody asks any more.
import { createHash } from 'node:crypto';
import type { RateSubject } from '@carillon/platform/http/rate-limit.ts';
import { MatrixError, tooLarge, unknownError } from '@carillon/protocol/matrix-error.ts';
import { LRUCache } from 'lru-cache';
import { type StoredFile, unknownMedia } from './find-file.ts';
import { keepBlob } from './keep-blob.ts';
import { updatePicture } from './media.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { findThumbnail, insertThumbnail, updateThumbnailAccessed } from './thumbnail.store.ts';
import type { ThumbnailOutcome } from './thumbnail-job.ts';
import type { ThumbnailPool } from './thumbnail-pool.ts';
import { type ThumbnailVariant, type ThumbnailWish, variantFor } from './thumbnail-size.ts';

/** What pictures are decoded: nothing else ever. */
const DECODED: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif']);

/** The rate limit that counts thumbnails that have to be made. */
export const THUMBNAIL_RATE = 'thumbnailMade';
const TOUCH_EVERY_MS = 24 * 3_600_000;
const FAILURE_KEPT_MS = 10 * 60_000;
const MAX_FAILURES = 10_000;

export interface MadeThumbnail {
  readonly sha256: Buffer;
  readonly size: number;
  readonly location: string;
  readonly contentType: string;
}

export class Thumbnails {
  readonly #dependencies: MediaDependencies;
  readonly #pool: ThumbnailPool;
  readonly #flights = new Map<string, Promise<MadeThumbnail | null>>();
  readonly #failures = new LRUCache<string, MatrixError>({ max: MAX_FAILURES, ttl: FAILURE_KEPT_MS });

  constructor(dependencies: MediaDependencies, pool: ThumbnailPool) {
    this.#dependencies = dependencies;
    this.#pool = pool;
  }

  /**
   * The thumbnail; null where the file itself is the answer. Throws M_UNKNOWN (400) for what is no picture or cannot be
   * decoded, M_TOO_LARGE, M_LIMIT_EXCEEDED.
   */
  async find(file: StoredFile, wish: ThumbnailWish, charge: RateSubject): Promise<MadeThumbnail | null> {
    const { database, clock, limiter } = this.#dependencies;
    if (!isPicture(file)) throw noPicture();
    const variant = variantFor(wish);
    if (variant === null) return null;
    const known = await findThumbnail(database.points, file.sha256, variant.key);
    if (known !== undefined) {
      if (known.accessedTs < clock.now() - TOUCH_EVERY_MS) this.#touch(file.sha256, variant.key);
      return known;
    }
    const key = `${file.sha256.toString('hex')} ${variant.key}`;
    const failure = this.#failures.get(key);
    if (failure !== undefined) throw failure;
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      limiter.take(THUMBNAIL_RATE, charge);
      flight = this.#make(file, variant).finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
      flight.catch((error: unknown) => {
        if (error instanceof MatrixError && error.status < 429) this.#failures.set(key, error);
      });
    }
    return flight;
  }

  /** Looks at a new picture: its size and blurhash are noted; the blurhash, or null for what is no picture. */
  async describe(file: Pick<StoredFile, 'sha256' | 'size' | 'location' | 'media'>): Promise<string | null> {
    if (!isPicture(file)) return null;
    const outcome = await this.#run(file, null);
    if (outcome.kind !== 'seen') return null;
    const { picture, blurhash } = outcome;
    await this.#dependencies.database.transaction((transaction) =>
      updatePicture(transaction, file.sha256, { ...picture, blurhash }),
    );
    return blurhash;
  }

  async #make(file: StoredFile, variant: ThumbnailVariant): Promise<MadeThumbnail | null> {
    const { store, clock, database } = this.#dependencies;
    if (file.size > this.#dependencies.settings.max_upload) throw tooLarge('The picture is too large for thumbnails');
    const outcome = await this.#run(file, variant);
    if (outcome.kind === 'original') return null;
    if (outcome.kind === 'tooManyPixels') throw tooLarge('The picture has too many pixels for thumbnails');
    if (outcome.kind !== 'made') throw noPicture();
    const { bytes, type: contentType } = outcome;
    const sha256 = createHash('sha256').update(bytes).digest();
    const size = bytes.length;
    const staged = await store.stage();
    try {
      await staged.write(bytes);
      const row = { source: file.sha256, variant: variant.key, sha256, contentType, size, accessedTs: clock.now() };
      await keepBlob(this.#dependencies, { staged, sha256, size }, async (transaction) => {
        if (!(await insertThumbnail(transaction, row))) throw unknownMedia();
      });
    } finally {
      await staged.discard();
    }
    const kept = await findThumbnail(database, file.sha256, variant.key);
    if (kept === undefined) throw noPicture();
    return kept;
  }

  #run({ location }: Pick<StoredFile, 'location'>, variant: ThumbnailVariant | null): Promise<ThumbnailOutcome> {
    const { store, settings } = this.#dependencies;
    const load = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of store.open(location) as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    const order = variant && { ...variant, crop: variant.method === 'crop' };
    return this.#pool.run({ load, maxPixels: settings.max_pixels, variant: order });
  }

  #touch(source: Buffer, variant: string): void {
    const { database, clock, logger } = this.#dependencies;
    database
      .transaction((transaction) => updateThumbnailAccessed(transaction, source, variant, clock.now()))
      .catch((error: unknown) => logger.warn({ error }, 'a time of access could not be written'));
  }
}

function isPicture({ media }: Pick<StoredFile, 'media'>): boolean {
  return media.sniffedType !== null && DECODED.has(media.sniffedType);
}

const noPicture = () => unknownError('There can be no thumbnail of this file');
