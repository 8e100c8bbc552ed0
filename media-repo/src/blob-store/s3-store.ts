// Blobs as objects of an S3 service: small ones put at once, others in parts; nothing of them touches the local disk.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Clock } from '@carillon/platform/clock.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { BlobStore, StagedBlob } from './blob-store.ts';

export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly prefix: string;
  /** Absent: those of the environment. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

export interface S3Parts {
  readonly random: Random;
  readonly clock: Clock;
}

/** The least that S3 takes as a part, and so what an upload holds in memory. */
const PART_BYTES = 5 * 1024 * 1024;
const NAME_BYTES = 18;
const MAX_ATTEMPTS = 3;
/** Uploads that were begun so long ago and not finished are the rest of a crash. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

/** Keeps blobs in a bucket. Nothing is asked of the service before the first use. */
export function openS3Store(settings: S3Settings, { random, clock }: S3Parts): BlobStore {
  const { bucket: Bucket, prefix, endpoint, credentials } = settings;
  const client = new S3Client({
    region: settings.region,
    forcePathStyle: settings.pathStyle,
    maxAttempts: MAX_ATTEMPTS,
    // Services other than AWS do not all know the newer checksums: MD5, which all do, goes with each part.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
  });
  const newKey = (folder: string): string => `${prefix}${folder}/${random.token(NAME_BYTES)}`;
  return {
    stage: async () => stagedObject(client, { Bucket, Key: newKey('media') }),
    open: (location, range) =>
      Readable.from(readObject(client, { Bucket, Key: location }, range), { objectMode: false }),
    hiddenLocation: () => newKey('quarantine'),
    async copy(from, to) {
      const CopySource = `${Bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
      await client.send(new CopyObjectCommand({ Bucket, Key: to, CopySource }));
    },
    async remove(location) {
      await client.send(new DeleteObjectCommand({ Bucket, Key: location }));
    },
    freeBytes: async () => null,
    sweep: () => abortForgotten(client, { Bucket, Prefix: prefix }, clock.now() - FORGOTTEN_AFTER_MS),
    close: () => client.destroy(),
  };
}

interface Target {
  readonly Bucket: string;
  readonly Key: string;
}

async function* readObject(
  client: S3Client,
  target: Target,
  range: { first: number; last: number } | undefined,
): AsyncGenerator<Uint8Array> {
  const Range = range === undefined ? undefined : `bytes=${range.first}-${range.last}`;
  const { Body } = await client.send(new GetObjectCommand({ ...target, ...(Range !== undefined && { Range }) }));
  if (Body === undefined) throw new Error('the object has no body');
  // In node the body is a stream of node's.
  yield* Body as unknown as AsyncIterable<Uint8Array>;
}

function stagedObject(client: S3Client, target: Target): StagedBlob {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let uploadId: string | undefined;
  let isDone = false;
  const parts: { ETag: string | undefined; PartNumber: number }[] = [];
  const takeHeld = (): Buffer => {
    const body = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    return body;
  };
  const sendPart = async () => {
    uploadId ??= (await client.send(new CreateMultipartUploadCommand(target))).UploadId;
    const Body = takeHeld();
    const PartNumber = parts.length + 1;
    const part = { ...target, UploadId: uploadId, PartNumber, Body, ContentMD5: md5(Body) };
    const { ETag } = await client.send(new UploadPartCommand(part));
    parts.push({ ETag, PartNumber });
  };
  return {
    async write(chunk) {
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes >= PART_BYTES) await sendPart();
    },
    locationFor: () => target.Key,
    async finish() {
      if (uploadId === undefined) {
        const Body = takeHeld();
        await client.send(new PutObjectCommand({ ...target, Body, ContentMD5: md5(Body) }));
      } else {
        if (heldBytes > 0) await sendPart();
        const upload = { ...target, UploadId: uploadId, MultipartUpload: { Parts: parts } };
        await client.send(new CompleteMultipartUploadCommand(upload));
      }
      isDone = true;
    },
    async discard() {
      held = [];
      if (isDone || uploadId === undefined) return;
      await client.send(new AbortMultipartUploadCommand({ ...target, UploadId: uploadId })).catch(() => undefined);
    },
  };
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64');

async function abortForgotten(
  client: S3Client,
  where: { readonly Bucket: string; readonly Prefix: string },
  beforeTs: number,
): Promise<void> {
  try {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand(where));
    for (const { Key, UploadId, Initiated } of Uploads) {
      if (Key === undefined || (Initiated?.getTime() ?? 0) > beforeTs) continue;
      await client.send(new AbortMultipartUploadCommand({ Bucket: where.Bucket, Key, UploadId }));
    }
  } catch {
    // Not all services list them, and a service that is away at the start may be there later.
  }
}
