// Downloads in progress, so that those of a file that is quarantined or deleted end at once.
import type { Readable } from 'node:stream';

export class OpenStreams {
  readonly #bySource = new Map<string, Set<Readable>>();

  /** Remembers a stream of the file with this hash until it closes. */
  add(sha256: Buffer, stream: Readable): Readable {
    const key = sha256.toString('hex');
    const streams = this.#bySource.get(key) ?? new Set();
    this.#bySource.set(key, streams.add(stream));
    stream.once('close', () => {
      streams.delete(stream);
      if (streams.size === 0 && this.#bySource.get(key) === streams) this.#bySource.delete(key);
    });
    return stream;
  }

  /** Ends all of a file's. */
  cut(sha256: Buffer): void {
    for (const stream of this.#bySource.get(sha256.toString('hex')) ?? []) stream.destroy();
  }

  get size(): number {
    return this.#bySource.size;
  }
}
