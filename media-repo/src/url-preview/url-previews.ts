// Previews of links: looked at once for all who ask, their pictures stored as media, kept for an hour.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { JobProcesses } from '@carillon/platform/job-processes.ts';
import { invalidParam, limitExceeded, MatrixError } from '@carillon/protocol/matrix-error.ts';
import { LRUCache } from 'lru-cache';
import { findFile } from '../find-file.ts';
import { keepBlob } from '../keep-blob.ts';
import { findMedia, insertMedia } from '../media.store.ts';
import type { MediaDependencies } from '../media-dependencies.ts';
import { deleteFiles } from '../quarantine.ts';
import { receiveFile } from '../receive-file.ts';
import type { Thumbnails } from '../thumbnail.ts';
import type { PreviewFound, PreviewOrder, PreviewSettings } from './preview-job.ts';
import { deleteOldPreviews, findPreview, replacePreview } from './url-preview.store.ts';

/** The rate limit that counts links that are looked at. */
export const PREVIEW_RATE = 'preview';

const KEPT_MS = 3_600_000;
/** Pictures in previews that clients still show must not vanish at once. */
const DELETED_AFTER_MS = 7 * 24 * 3_600_000;
const DELETED_AT_ONCE = 500;
const JOB_TIMEOUT_MS = 30_000;
const JOBS_AT_A_TIME = 16;
const MAX_WAITING = 200;
const RETRY_MS = 5_000;
const MAX_HEAP_BYTES = 200_000_000;
const FAILURE_KEPT_MS = 300_000;
const MAX_FAILURES = 10_000;
const MAX_URL_LENGTH = 2_048;
const MEDIA_ID_BYTES = 18;

export type Preview = Readonly<Record<string, unknown>>;

export class UrlPreviews {
  readonly #dependencies: MediaDependencies;
  readonly #thumbnails: Thumbnails;
  readonly #processes: JobProcesses<PreviewOrder, PreviewFound | null>;
  readonly #flights = new Map<string, Promise<Preview>>();
  readonly #failures = new LRUCache<string, true>({ max: MAX_FAILURES, ttl: FAILURE_KEPT_MS });

  constructor(dependencies: MediaDependencies, thumbnails: Thumbnails, settings: PreviewSettings) {
    this.#dependencies = dependencies;
    this.#thumbnails = thumbnails;
    this.#processes = new JobProcesses({
      entry: join(import.meta.dirname, 'preview-worker.ts'),
      arguments: [JSON.stringify(settings)],
      size: 1,
      jobsEach: JOBS_AT_A_TIME,
      timeoutMs: JOB_TIMEOUT_MS,
      maxHeapBytes: MAX_HEAP_BYTES,
      maxWaiting: MAX_WAITING,
      clock: dependencies.clock,
    });
  }

  /** What is at the link. Throws M_INVALID_PARAM for what is none, M_UNKNOWN (502) where nothing could be seen. */
  async find(text: string, { userId, language }: { userId: string; language: string | undefined }): Promise<Preview> {
    const { database, clock, limiter, settings } = this.#dependencies;
    const order = { url: readLink(text), language: readLanguage(language) ?? settings.preview_language };
    const key = createHash('sha256').update(`${order.language}\n${order.url}`).digest();
    const name = key.toString('base64');
    const kept = await findPreview(database.points, key, clock.now() - KEPT_MS);
    if (kept !== undefined) return JSON.parse(kept) as Preview;
    if (this.#failures.has(name)) throw nothingSeen();
    let flight = this.#flights.get(name);
    if (flight === undefined) {
      limiter.take(PREVIEW_RATE, { userId });
      flight = this.#look(key, { ...order, maxImageBytes: settings.max_image }).finally(() =>
        this.#flights.delete(name),
      );
      this.#flights.set(name, flight);
      flight.catch((error: unknown) => {
        if (error instanceof MatrixError && error.status === 502) this.#failures.set(name, true);
      });
    }
    return flight;
  }

  /** Deletes previews that are over, and their pictures. */
  async deleteOld(): Promise<void> {
    const { database, clock, serverName } = this.#dependencies;
    const beforeTs = clock.now() - DELETED_AFTER_MS;
    const mediaIds = await database.transaction((transaction) =>
      deleteOldPreviews(transaction, beforeTs, DELETED_AT_ONCE),
    );
    await deleteFiles(
      this.#dependencies,
      mediaIds.map((mediaId) => ({ serverName, mediaId })),
    );
  }

  close(): void {
    this.#processes.close();
  }

  /** The processes that run. */
  get pids(): number[] {
    return this.#processes.pids;
  }

  async #look(key: Buffer, order: PreviewOrder): Promise<Preview> {
    const { database, clock, serverName } = this.#dependencies;
    if (this.#processes.isFull) throw limitExceeded(RETRY_MS);
    const found = await this.#processes.run(order);
    if (found === null) throw nothingSeen();
    const picture = await this.#keepPicture(found).catch(() => null);
    const preview: Preview = { ...found.properties, ...picture?.properties };
    const mediaId = picture?.mediaId ?? null;
    const row = { key, body: JSON.stringify(preview), mediaId, createdTs: clock.now() };
    const replaced = await database.transaction((transaction) => replacePreview(transaction, row));
    if (replaced !== null) await deleteFiles(this.#dependencies, [{ serverName, mediaId: replaced }]);
    return preview;
  }

  async #keepPicture({ image }: PreviewFound): Promise<{ mediaId: string; properties: Preview } | null> {
    if (image === null || image.length === 0) return null;
    const dependencies = this.#dependencies;
    const { random, serverName, clock, database } = dependencies;
    const bytes = Readable.from([image]) as AsyncIterable<Uint8Array>;
    const received = await receiveFile(dependencies, { bytes, announcedSize: image.length, charge: [] });
    const { staged, sha256, size, sniffed } = received;
    const id = { serverName, mediaId: random.token(MEDIA_ID_BYTES) };
    try {
      const { type } = sniffed;
      if (sniffed.kind !== 'image' || type === null) return null;
      const facts = { contentType: type, sniffedType: type, fileName: null, uploadedTs: clock.now() };
      await keepBlob(dependencies, { staged, sha256, size }, (transaction) =>
        insertMedia(transaction, { ...id, userId: null, sha256, size, ...facts }),
      );
    } finally {
      await staged.discard();
    }
    const file = await findFile(dependencies, { id, timeoutMs: 0, signal: new AbortController().signal });
    await this.#thumbnails.describe(file).catch(() => null);
    const media = await findMedia(database, id);
    return {
      mediaId: id.mediaId,
      properties: {
        'og:image': `mxc://${serverName}/${id.mediaId}`,
        'og:image:type': sniffed.type,
        'matrix:image:size': size,
        ...(media?.width != null && { 'og:image:width': media.width, 'og:image:height': media.height }),
      },
    };
  }
}

function readLink(text: string): string {
  const url = text.length > MAX_URL_LENGTH ? null : URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw invalidParam('Only http and https links without user names are looked at');
  }
  url.hash = '';
  return url.href;
}

/** The caller's languages, where they are plain. */
function readLanguage(header: string | undefined): string | undefined {
  return header !== undefined && /^[\w*,;=. -]{1,100}$/.test(header) ? header : undefined;
}

const nothingSeen = () => new MatrixError(502, 'M_UNKNOWN', 'There is nothing to be seen at this link');
