// Routes by which files go out.
import { type Handler, handle, type RequestInfo } from '@carillon/platform/http/handle.ts';
import { downloadMedia, downloadMediaAs } from '@carillon/protocol/client/media.ts';
import { findFile, requireMediaId } from './find-file.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { serveFile } from './serve-file.ts';

interface Asked {
  readonly path: { readonly serverName: string; readonly mediaId: string };
  readonly query: { readonly timeout_ms?: number };
  readonly request: RequestInfo;
}

async function download(dependencies: MediaDependencies, { path, query, request }: Asked, asName?: string) {
  const id = { serverName: path.serverName, mediaId: requireMediaId(path.mediaId) };
  const file = await findFile(dependencies, { id, timeoutMs: query.timeout_ms, signal: request.signal });
  const { contentType, fileName } = file.media;
  return serveFile(dependencies, { ...file, contentType, fileName: asName ?? fileName }, request);
}

export function downloadRoutes(dependencies: MediaDependencies): Handler[] {
  return [
    handle(downloadMedia, (call) => download(dependencies, call)),
    handle(downloadMediaAs, (call) => download(dependencies, call, call.path.fileName)),
  ];
}
