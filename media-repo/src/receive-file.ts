// Bytes from a client (or another server) into the store: counted, sniffed, hashed and limited as they come.
import { createHash } from 'node:crypto';
import type { RateSubject } from '@carillon/platform/http/rate-limit.ts';
import { forbidden, MatrixError, unknownError } from '@carillon/protocol/matrix-error.ts';
import { isHashDenied } from './blob.store.ts';
import type { StagedBlob } from './blob-store/blob-store.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import type { ScanStream } from './scan.ts';
import { SNIFF_BYTES, type Sniffed, sniff } from './sniff.ts';
import { largestUpload, limitOf, tooLargeFor } from './upload-limits.ts';

export interface ReceivedFile {
  readonly staged: StagedBlob;
  readonly sha256: Buffer;
  readonly size: number;
  readonly sniffed: Sniffed;
}

export interface FileSource {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Content-Length, if it was sent. */
  readonly announcedSize: number | null;
  /** Whom the bytes are charged to. */
  readonly charge: readonly RateSubject[];
}

/** The rate limit that counts kilobytes. */
export const UPLOAD_RATE = 'uploadRate';
const CHARGED_BYTES = 1000;
/** A charge is made for this much at a time. */
const CHARGE_STEP_BYTES = 256 * 1000;

/**
 * Takes a file to its end. What it resolves with has to be kept (keepBlob) or discarded; when it rejects nothing is
 * left. Throws M_TOO_LARGE, M_LIMIT_EXCEEDED, M_FORBIDDEN for what is denied or found by the scanner.
 */
export async function receiveFile(dependencies: MediaDependencies, source: FileSource): Promise<ReceivedFile> {
  const { settings, store } = dependencies;
  const largest = largestUpload(settings);
  if ((source.announcedSize ?? 0) > largest) throw tooLargeFor('other', largest);
  await requireSpace(dependencies, source.announcedSize ?? 0);
  const staged = await store.stage();
  const scan = dependencies.scan?.() ?? null;
  try {
    const received = await takeBytes(dependencies, source, { staged, scan });
    if (await isHashDenied(dependencies.database, received.sha256)) throw deniedFile();
    await scan?.end();
    return { staged, ...received };
  } catch (error) {
    scan?.abort();
    await staged.discard();
    throw explain(error);
  }
}

export const deniedFile = () => forbidden('This file is not allowed here');

async function takeBytes(
  { settings, limiter }: MediaDependencies,
  { bytes, announcedSize, charge }: FileSource,
  { staged, scan }: { staged: StagedBlob; scan: ScanStream | null },
): Promise<Omit<ReceivedFile, 'staged'>> {
  const hash = createHash('sha256');
  const head: Uint8Array[] = [];
  let size = 0;
  let uncharged = 0;
  let sniffed: Sniffed | undefined;
  const pay = () => {
    for (const subject of charge) limiter.take(UPLOAD_RATE, subject, Math.ceil(uncharged / CHARGED_BYTES));
    uncharged = 0;
  };
  const check = () => {
    const { kind } = sniffed ?? { kind: 'other' as const };
    const limit = sniffed === undefined ? largestUpload(settings) : limitOf(settings, kind);
    if (Math.max(size, sniffed === undefined ? 0 : (announcedSize ?? 0)) > limit) throw tooLargeFor(kind, limit);
  };
  for await (const chunk of bytes) {
    if (sniffed === undefined) head.push(chunk);
    size += chunk.length;
    uncharged += chunk.length;
    if (sniffed === undefined && size >= SNIFF_BYTES) sniffed = sniff(Buffer.concat(head).subarray(0, SNIFF_BYTES));
    check();
    if (uncharged >= CHARGE_STEP_BYTES) pay();
    hash.update(chunk);
    await Promise.all([staged.write(chunk), scan?.write(chunk)]);
  }
  sniffed ??= sniff(Buffer.concat(head));
  check();
  pay();
  return { sha256: hash.digest(), size, sniffed };
}

async function requireSpace({ store, settings }: MediaDependencies, wanted: number): Promise<void> {
  const free = await store.freeBytes();
  if (free !== null && free - wanted < settings.free_space_floor) throw noSpace();
}

const noSpace = () => new MatrixError(507, 'M_RESOURCE_LIMIT_EXCEEDED', 'The server has no space for more files');

function explain(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace();
  // What a client that goes away, or is cut for sending nothing, leaves.
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return unknownError('The upload ended early');
  return error;
}
