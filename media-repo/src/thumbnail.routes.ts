// The routes of thumbnails.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { getThumbnail } from '@carillon/protocol/client/media.ts';
import { findFile, requireMediaId } from './find-file.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { serveFile } from './serve-file.ts';
import type { Thumbnails } from './thumbnail.ts';

export function thumbnailRoutes(dependencies: MediaDependencies, thumbnails: Thumbnails): Handler[] {
  return [
    handle(getThumbnail, async ({ path, query, auth, request }) => {
      const id = { serverName: path.serverName, mediaId: requireMediaId(path.mediaId) };
      const file = await findFile(dependencies, { id, timeoutMs: query.timeout_ms, signal: request.signal });
      const { width, height, method = 'scale', animated = false } = query;
      const made = await thumbnails.find(file, { width, height, method, animated }, { userId: auth.userId });
      const served = made ?? { ...file, contentType: file.media.sniffedType ?? file.media.contentType };
      const fileName = `thumbnail.${served.contentType.split('/')[1]}`;
      return serveFile(dependencies, { ...served, fileName, sourceSha256: file.sha256 }, request);
    }),
  ];
}
