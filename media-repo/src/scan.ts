// A new file shown to a scanner while it comes in, before anyone else sees it: clamd's INSTREAM, or an HTTP endpoint.
import { openByteChannel } from '@carillon/platform/byte-channel.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { forbidden, MatrixError } from '@carillon/protocol/matrix-error.ts';

/** One file on its way past the scanner. */
export interface ScanStream {
  write(chunk: Uint8Array): Promise<void>;
  /** Throws M_FORBIDDEN for what must not be kept; where the scanner fails, as configured. */
  end(): Promise<void>;
  abort(): void;
}

export type Scan = () => ScanStream;

export interface ScanSettings {
  readonly clamd: string | undefined;
  readonly url: string | undefined;
  /** Whether a file is refused when the scanner fails. */
  readonly required: boolean;
  readonly logger: Logger;
}

const TIMEOUT_MS = 60_000;

/** Null where no scanner is configured. */
export function createScan({ clamd, url, required, logger }: ScanSettings): Scan | null {
  if (clamd === undefined && url === undefined) return null;
  return () => {
    const streams = [
      ...(clamd === undefined ? [] : [clamdStream(clamd)]),
      ...(url === undefined ? [] : [httpStream(url)]),
    ];
    let failure: unknown = null;
    const guarded = async (work: () => Promise<unknown>) => {
      if (failure !== null) return;
      try {
        await work();
      } catch (error) {
        failure = error;
      }
    };
    return {
      write: (chunk) => guarded(() => Promise.all(streams.map((stream) => stream.write(chunk)))),
      async end() {
        let isClean = true;
        await guarded(async () => {
          const verdicts = await Promise.all(streams.map((stream) => stream.verdict()));
          isClean = verdicts.every(Boolean);
        });
        if (!isClean) throw forbidden('The scanner found something in this file');
        if (failure === null) return;
        logger.warn({ error: failure }, 'the scanner failed');
        if (required) throw new MatrixError(503, 'M_UNKNOWN', 'New files cannot be scanned at the moment');
      },
      abort: () => {
        for (const stream of streams) stream.abort();
      },
    };
  };
}

interface Scanner {
  write(chunk: Uint8Array): Promise<void>;
  /** True: clean. */
  verdict(): Promise<boolean>;
  abort(): void;
}

/** `zINSTREAM`, then chunks with their length before them, then a length of nothing. */
function clamdStream(address: string): Scanner {
  const channel = openByteChannel(address, TIMEOUT_MS);
  let isBegun = false;
  const begin = async () => {
    if (isBegun) return;
    isBegun = true;
    await channel.write(Buffer.from('zINSTREAM\0'));
  };
  const length = (bytes: number): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes);
    return head;
  };
  return {
    async write(chunk) {
      await begin();
      await channel.write(Buffer.concat([length(chunk.length), chunk]));
    },
    async verdict() {
      await begin();
      await channel.write(length(0));
      const answer = (await channel.readToEnd()).toString('utf8').replace(/\0$/, '').trim();
      if (/ OK$/.test(answer)) return true;
      if (/ FOUND$/.test(answer)) return false;
      throw new Error(`clamd said: ${answer.slice(0, 200)}`);
    },
    abort: () => channel.close(),
  };
}

function httpStream(url: string): Scanner {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const stop = new AbortController();
  const request: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    body: readable,
    duplex: 'half',
    signal: stop.signal,
    redirect: 'error',
    headers: { 'Content-Type': 'application/octet-stream' },
  };
  // The operator's own service: not one of the requests that strangers cause.
  const answer = fetch(url, request);
  answer.catch(() => undefined);
  const failed = answer.then(() => new Promise<never>(() => {}));
  return {
    write: (chunk) => Promise.race([writer.write(chunk), failed]),
    async verdict() {
      await Promise.race([writer.close(), failed]);
      const { status, body } = await answer;
      await body?.cancel();
      if (status >= 200 && status < 300) return true;
      if (status >= 400 && status < 500) return false;
      throw new Error(`the scanner answered ${status}`);
    },
    abort: () => stop.abort(),
  };
}
