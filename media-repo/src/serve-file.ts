// A stored file as an answer: whole or in part, or only the news that it has not changed.

import { Readable } from 'node:stream';
import { type RequestInfo, StatusResponse, StreamResponse } from '@carillon/platform/http/handle.ts';
import { namesTag, readRange } from './byte-range.ts';
import { dispositionOf, SAFE_HEADERS } from './content-type.ts';
import { contentDisposition } from './file-name.ts';
import type { MediaDependencies } from './media-dependencies.ts';

export interface ServedFile {
  readonly sha256: Buffer;
  readonly size: number;
  readonly location: string;
  readonly contentType: string;
  readonly fileName: string | null;
  /** The file that it was made from, for what has to end with that. */
  readonly sourceSha256?: Buffer;
}

/** What a URL stands for never changes; other people's caches must not keep it. */
const CACHE = 'private, max-age=31536000, immutable';

/** The answer to a request for a file that may be seen. */
export function serveFile(
  { store, smallFiles, openStreams }: Pick<MediaDependencies, 'store' | 'smallFiles' | 'openStreams'>,
  file: ServedFile,
  { headers: asked }: Pick<RequestInfo, 'headers'>,
): StreamResponse | StatusResponse {
  const tag = `"${file.sha256.toString('hex').slice(0, 32)}"`;
  const headers = {
    ...SAFE_HEADERS,
    'Content-Type': file.contentType,
    'Content-Disposition': contentDisposition(dispositionOf(file.contentType), file.fileName),
    'Cache-Control': CACHE,
    'Accept-Ranges': 'bytes',
    ETag: tag,
  };
  const header = (name: string): string | undefined => {
    const value = asked[name];
    return typeof value === 'string' ? value : undefined;
  };
  if (namesTag(header('if-none-match'), tag)) return new StreamResponse(304, headers, () => Readable.from([]));
  const mayBePart = header('if-range') === undefined || namesTag(header('if-range'), tag);
  const range = mayBePart ? readRange(header('range'), file.size) : null;
  if (range === 'unsatisfiable') {
    const body = { errcode: 'M_INVALID_PARAM', error: 'The range lies behind the end of the file' };
    return new StatusResponse(416, body, { 'Content-Range': `bytes */${file.size}` });
  }
  const watched = (stream: Readable) => {
    if (file.sourceSha256 !== undefined) openStreams.add(file.sourceSha256, stream);
    return openStreams.add(file.sha256, stream);
  };
  if (file.size === 0) return new StreamResponse(200, { ...headers, 'Content-Length': '0' }, () => Readable.from([]));
  if (range === null) {
    const whole = { ...headers, 'Content-Length': String(file.size) };
    return new StreamResponse(200, whole, () => watched(smallFiles.open(file)));
  }
  const part = {
    ...headers,
    'Content-Length': String(range.last - range.first + 1),
    'Content-Range': `bytes ${range.first}-${range.last}/${file.size}`,
  };
  return new StreamResponse(206, part, () => watched(store.open(file.location, range)));
}
