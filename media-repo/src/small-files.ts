// Small files, thumbnails above all, kept in memory after their first reading. A location's bytes never change, and who asks
// has looked in the database whether they may still be seen.
import { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import type { BlobStore } from './blob-store/blob-store.ts';

const MAX_FILE_BYTES = 64 * 1024;
const MAX_TOTAL_BYTES = 24 * 1024 * 1024;

export class SmallFiles {
  readonly #store: BlobStore;
  readonly #kept = new LRUCache<string, Buffer>({ maxSize: MAX_TOTAL_BYTES, sizeCalculation: ({ length }) => length });

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /** The whole of a file. */
  open({ location, size }: { readonly location: string; readonly size: number }): Readable {
    const kept = this.#kept.get(location);
    if (kept !== undefined) return Readable.from([kept]);
    const stream = this.#store.open(location);
    if (size <= MAX_FILE_BYTES && size > 0) this.#keep(location, size, stream);
    return stream;
  }

  #keep(location: string, size: number, stream: Readable): void {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => {
      const bytes = Buffer.concat(chunks);
      if (bytes.length === size) this.#kept.set(location, bytes);
    });
  }
}
