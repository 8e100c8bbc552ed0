// Routes by which files go out.
import { type Handler, handle, type RequestInfo } from '@carillon/platform/http/handle.ts';
import {
  downloadLegacyMedia,
  downloadLegacyMediaAs,
  downloadMedia,
  downloadMediaAs,
} from '@carillon/protocol/client/media.ts';
import { findFile, requireMediaId } from './find-file.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { serveFile } from './serve-file.ts';

interface Asked {
  readonly path: { readonly serverName: string; readonly mediaId: string };
  readonly query: { readonly timeout_ms?: number };
  readonly request: RequestInfo;
}

interface Manner {
  readonly asName?: string;
  readonly isLegacy?: boolean;
}

async function download(
  dependencies: MediaDependencies,
  { path, query, request }: Asked,
  { asName, isLegacy = false }: Manner = {},
) {
  const id = { serverName: path.serverName, mediaId: requireMediaId(path.mediaId) };
  const file = await findFile(dependencies, { id, timeoutMs: query.timeout_ms, signal: request.signal, isLegacy });
  const { contentType, fileName } = file.media;
  return serveFile(dependencies, { ...file, contentType, fileName: asName ?? fileName }, request);
}

export function downloadRoutes(dependencies: MediaDependencies): Handler[] {
  return [
    handle(downloadMedia, (call) => download(dependencies, call)),
    handle(downloadMediaAs, (call) => download(dependencies, call, { asName: call.path.fileName })),
    handle(downloadLegacyMedia, (call) => download(dependencies, call, { isLegacy: true })),
    handle(downloadLegacyMediaAs, (call) =>
      download(dependencies, call, { asName: call.path.fileName, isLegacy: true }),
    ),
  ];
}
