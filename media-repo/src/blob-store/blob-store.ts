// Where files' bytes are kept: one interface, whatever is behind it. Names ("locations") are the store's own.
import type { Readable } from 'node:stream';

export interface ByteRange {
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/** Bytes on their way in; nothing of them can be read before `finish`. */
export interface StagedBlob {
  /** Waits while the store is slower than the writer. */
  write(chunk: Uint8Array): Promise<void>;
  /** Where `finish` will put it; a new place each time, so that nothing is ever overwritten. */
  locationFor(sha256: Buffer): string;
  /** Puts it there; it lasts when this resolves. */
  finish(location: string): Promise<void>;
  /** Leaves nothing behind. Never rejects; harmless after `finish`. */
  discard(): Promise<void>;
}

export interface BlobStore {
  stage(): Promise<StagedBlob>;
  /** The bytes, or a part of them. What is not there is an error of the stream. */
  open(location: string, range?: ByteRange): Readable;
  /** Where bytes go that nobody is to have any more: a new place, which no one knows. */
  hiddenLocation(location: string): string;
  /** Puts the same bytes at another place, too; they last when this resolves. */
  copy(from: string, to: string): Promise<void>;
  /** What is gone already is fine. */
  remove(location: string): Promise<void>;
  /** Bytes that fit in; null where there is no bound. */
  freeBytes(): Promise<number | null>;
  /** Removes what a dead process had not finished. */
  sweep(): Promise<void>;
  close(): void;
}
