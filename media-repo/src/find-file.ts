// From an mxc URI to the file that may be served, waiting for uploads that are announced.
import { MatrixError, notFound } from '@carillon/protocol/matrix-error.ts';
import { findMedia, findStoredMedia, type Media, type MediaId } from './media.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';

const DEFAULT_WAIT_MS = 20_000;
export const MAX_WAIT_MS = 60_000;
/** Another process may have taken the upload: look again this often. */
const LOOK_EVERY_MS = 2_000;

/** A file whose bytes are there. */
export interface StoredFile {
  readonly media: Media;
  readonly sha256: Buffer;
  readonly size: number;
  readonly location: string;
}

/** The id if it is one. Anything else is answered as unknown: no path is ever made of it. */
export function requireMediaId(text: string): string {
  if (/^[A-Za-z0-9_-]{1,255}$/.test(text)) return text;
  throw unknownMedia();
}

export const unknownMedia = () => notFound('There is no such media here');

export interface FileQuestion {
  readonly id: MediaId;
  /** How long the caller waits for an upload that was announced; absent: 20 s. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
  /** Asked without a token: only files from before `media.legacy_until` are there. */
  readonly isLegacy?: boolean;
}

/** Throws M_NOT_FOUND (also for what is quarantined), M_NOT_YET_UPLOADED. */
export async function findFile(dependencies: MediaDependencies, question: FileQuestion): Promise<StoredFile> {
  const { clock } = dependencies;
  if (question.isLegacy) await requireOld(dependencies, question.id);
  const media = await waitForUpload(dependencies, question, clock.monotonic());
  if (media?.sha256 == null || media.location === null || media.quarantinedBy !== null) throw unknownMedia();
  dependencies.accessTimes.touch(media);
  return { media, sha256: media.sha256, size: Number(media.size), location: media.location };
}

async function requireOld({ database, settings }: MediaDependencies, id: MediaId): Promise<void> {
  const untilTs = Date.parse(settings.legacy_until ?? '');
  const media = await findMedia(database.points, id);
  // Without a time none is before it: NaN is greater than nothing.
  if (media?.uploadedTs == null || !(media.uploadedTs < untilTs)) throw unknownMedia();
}

async function waitForUpload(
  { database, clock, arrivals }: MediaDependencies,
  { id, timeoutMs, signal }: FileQuestion,
  startedMs: number,
): Promise<(Media & { readonly location: string | null }) | undefined> {
  const waitMs = Math.min(timeoutMs ?? DEFAULT_WAIT_MS, MAX_WAIT_MS);
  for (;;) {
    const media = await findStoredMedia(database.points, id);
    if (media === undefined || media.sha256 !== null) return media;
    if (media.expiresTs !== null && media.expiresTs <= clock.now()) return undefined;
    const leftMs = startedMs + waitMs - clock.monotonic();
    if (leftMs <= 0 || signal.aborted) throw notYetUploaded();
    await arrivals.wait(id, Math.min(leftMs, LOOK_EVERY_MS), signal);
  }
}

const notYetUploaded = () => new MatrixError(504, 'M_NOT_YET_UPLOADED', 'This media has not been uploaded yet');
