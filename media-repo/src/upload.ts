// Uploads: at once, or announced first and filled later (client-server API, "Content repository").
import type { RateSubject } from '@carillon/platform/http/rate-limit.ts';
import { forbidden, limitExceeded, MatrixError, notFound } from '@carillon/protocol/matrix-error.ts';
import { isHashDenied } from './blob.store.ts';
import { cleanContentType } from './content-type.ts';
import { cleanFileName } from './file-name.ts';
import { keepBlob } from './keep-blob.ts';
import {
  countPendingMedia,
  fillPendingMedia,
  findMedia,
  insertMedia,
  insertPendingMedia,
  type Media,
  type MediaId,
  type NewMedia,
  sumOfUser,
} from './media.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { deniedFile, receiveFile } from './receive-file.ts';

export interface Uploader {
  readonly userId: string;
  readonly address: string;
  /** Whether byte rates are counted: not for some app services. */
  readonly isRateLimited: boolean;
}

export interface Upload {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly announcedSize: number | null;
  readonly contentType: string | undefined;
  readonly fileName: string | undefined;
}

const MEDIA_ID_BYTES = 18;
const DAY_MS = 24 * 3_600_000;
const PENDING_RETRY_MS = 60_000;

const isGone = (media: Media | undefined, nowTs: number): boolean =>
  media === undefined || (media.sha256 === null && media.expiresTs !== null && media.expiresTs <= nowTs);

/** Takes a file; the id that it got. Throws M_TOO_LARGE, M_FORBIDDEN (quota), M_LIMIT_EXCEEDED. */
export async function uploadFile(dependencies: MediaDependencies, by: Uploader, upload: Upload): Promise<MediaId> {
  const id = newId(dependencies);
  await takeUpload(dependencies, { by, upload, id, isPending: false });
  return id;
}

/** Announces an upload. Throws M_LIMIT_EXCEEDED where too many are announced already. */
export async function createUpload(
  dependencies: MediaDependencies,
  { userId }: Uploader,
): Promise<MediaId & { readonly expiresTs: number | null }> {
  const { database, clock, settings } = dependencies;
  const createdTs = clock.now();
  const { pending_lifetime: lifetimeMs } = settings;
  const expiresTs = lifetimeMs === null ? null : createdTs + lifetimeMs;
  const id = newId(dependencies);
  await database.transaction(async (transaction) => {
    const pending = await countPendingMedia(transaction, userId, createdTs);
    if (pending >= settings.pending_uploads) throw limitExceeded(PENDING_RETRY_MS);
    await insertPendingMedia(transaction, { ...id, userId, createdTs, expiresTs });
  });
  return { ...id, expiresTs };
}

/** Fills an announced upload. Throws M_NOT_FOUND, M_FORBIDDEN for another user's, M_CANNOT_OVERWRITE_MEDIA. */
export async function fillUpload(
  dependencies: MediaDependencies,
  { by, id, upload }: { by: Uploader; id: MediaId; upload: Upload },
): Promise<void> {
  const media = await findMedia(dependencies.database, id);
  if (isGone(media, dependencies.clock.now()) || media === undefined) throw unknownUpload();
  if (media.userId !== by.userId) throw forbidden('Somebody else has announced this upload');
  if (media.sha256 !== null) throw cannotOverwrite();
  await takeUpload(dependencies, { by, upload, id, isPending: true });
  dependencies.arrivals.tell(id);
}

interface Taking {
  readonly by: Uploader;
  readonly upload: Upload;
  readonly id: MediaId;
  readonly isPending: boolean;
}

async function takeUpload(dependencies: MediaDependencies, { by, upload, id, isPending }: Taking): Promise<void> {
  const { clock } = dependencies;
  await requireQuota(dependencies, by.userId, upload.announcedSize ?? 0);
  const charge: RateSubject[] = by.isRateLimited ? [{ userId: by.userId }, { address: by.address }] : [];
  const received = await receiveFile(dependencies, { ...upload, charge });
  const { staged, sha256, size, sniffed } = received;
  try {
    await requireQuota(dependencies, by.userId, size);
    const media: NewMedia = {
      ...id,
      userId: by.userId,
      sha256,
      size,
      contentType: cleanContentType(upload.contentType),
      sniffedType: sniffed.type,
      fileName: cleanFileName(upload.fileName),
      uploadedTs: clock.now(),
    };
    await keepBlob(dependencies, { staged, sha256, size }, async (transaction) => {
      if (await isHashDenied(transaction, sha256)) throw deniedFile();
      if (!isPending) return insertMedia(transaction, media);
      if (!(await fillPendingMedia(transaction, media))) throw cannotOverwrite();
    });
  } finally {
    await staged.discard();
  }
}

async function requireQuota(
  { database, settings, clock }: MediaDependencies,
  userId: string,
  size: number,
): Promise<void> {
  const { user_quota: quota, user_daily_quota: dailyQuota } = settings;
  if (quota === null && dailyQuota === null) return;
  const { total, recent } = await sumOfUser(database, userId, clock.now() - DAY_MS);
  if (quota !== null && total + size > quota) throw forbidden(`Your files may take at most ${quota} bytes here`);
  if (dailyQuota !== null && recent + size > dailyQuota) {
    throw forbidden(`You may upload at most ${dailyQuota} bytes in 24 hours`);
  }
}

function newId({ serverName, random }: MediaDependencies): MediaId {
  return { serverName, mediaId: random.token(MEDIA_ID_BYTES) };
}

const unknownUpload = () => notFound('No such upload was announced, or it came too late');
const cannotOverwrite = () => new MatrixError(409, 'M_CANNOT_OVERWRITE_MEDIA', 'This media has been uploaded already');
