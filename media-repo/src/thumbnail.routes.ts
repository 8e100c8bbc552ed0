// The routes of thumbnails.
import { type Handler, handle, type RequestInfo } from '@carillon/platform/http/handle.ts';
import type { RateSubject } from '@carillon/platform/http/rate-limit.ts';
import { getLegacyThumbnail, getThumbnail } from '@carillon/protocol/client/media.ts';
import { findFile, requireMediaId } from './find-file.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { serveFile } from './serve-file.ts';
import type { Thumbnails } from './thumbnail.ts';

interface Asked {
  readonly path: { readonly serverName: string; readonly mediaId: string };
  readonly query: {
    readonly width: number;
    readonly height: number;
    readonly method?: 'crop' | 'scale';
    readonly animated?: boolean;
    readonly timeout_ms?: number;
  };
  readonly request: RequestInfo;
}

export function thumbnailRoutes(dependencies: MediaDependencies, thumbnails: Thumbnails): Handler[] {
  const answer = async ({ path, query, request }: Asked, charge: RateSubject, isLegacy: boolean) => {
    const id = { serverName: path.serverName, mediaId: requireMediaId(path.mediaId) };
    const file = await findFile(dependencies, { id, timeoutMs: query.timeout_ms, signal: request.signal, isLegacy });
    const { width, height, method = 'scale', animated = false } = query;
    const made = await thumbnails.find(file, { width, height, method, animated }, charge);
    const served = made ?? { ...file, contentType: file.media.sniffedType ?? file.media.contentType };
    const fileName = `thumbnail.${served.contentType.split('/')[1]}`;
    return serveFile(dependencies, { ...served, fileName, sourceSha256: file.sha256 }, request);
  };
  return [
    handle(getThumbnail, (call) => answer(call, { userId: call.auth.userId }, false)),
    handle(getLegacyThumbnail, (call) => answer(call, { address: call.request.address }, true)),
  ];
}
