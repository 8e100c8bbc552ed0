// Routes by which files come in.
import { type Caller, type Handler, handle, type RequestInfo } from '@carillon/platform/http/handle.ts';
import { createMedia, getMediaConfig, uploadCreatedMedia, uploadMedia } from '@carillon/protocol/client/media.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import { findFile, requireMediaId } from './find-file.ts';
import type { MediaId } from './media.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import type { Thumbnails } from './thumbnail.ts';
import { createUpload, fillUpload, type Upload, type Uploader, uploadFile } from './upload.ts';
import { largestUpload } from './upload-limits.ts';

const uploaderOf = (auth: Caller, request: RequestInfo): Uploader => ({
  userId: auth.userId,
  address: request.address,
  isRateLimited: auth.appservice?.rateLimited ?? true,
});

function uploadOf(bytes: AsyncIterable<Uint8Array>, request: RequestInfo, fileName: string | undefined): Upload {
  const length = request.headers['content-length'];
  const type = request.headers['content-type'];
  return {
    bytes,
    announcedSize: length === undefined ? null : Number(length),
    contentType: typeof type === 'string' ? type : undefined,
    fileName,
  };
}

/** Notes what a new picture is; its blurhash, or null. Never rejects: the upload is done. */
async function describe(dependencies: MediaDependencies, thumbnails: Thumbnails, id: MediaId): Promise<string | null> {
  try {
    const file = await findFile(dependencies, { id, timeoutMs: 0, signal: new AbortController().signal });
    return await thumbnails.describe(file);
  } catch (error) {
    dependencies.logger.debug({ error }, 'a new file could not be looked at');
    return null;
  }
}

export function uploadRoutes(dependencies: MediaDependencies, thumbnails: Thumbnails): Handler[] {
  return [
    handle(uploadMedia, async ({ auth, query, body, request }) => {
      const upload = uploadOf(body, request, query.filename);
      const { serverName, mediaId } = await uploadFile(dependencies, uploaderOf(auth, request), upload);
      const description = describe(dependencies, thumbnails, { serverName, mediaId });
      const blurhash = query['xyz.amorgan.generate_blurhash'] === true ? await description : null;
      const uri = `mxc://${serverName}/${mediaId}`;
      return { content_uri: uri, ...(blurhash !== null && { 'xyz.amorgan.blurhash': blurhash }) };
    }),
    handle(createMedia, async ({ auth, request }) => {
      const { serverName, mediaId, expiresTs } = await createUpload(dependencies, uploaderOf(auth, request));
      return {
        content_uri: `mxc://${serverName}/${mediaId}`,
        ...(expiresTs !== null && { unused_expires_at: expiresTs }),
      };
    }),
    handle(uploadCreatedMedia, async ({ auth, path, query, body, request }) => {
      const id = { serverName: path.serverName, mediaId: requireMediaId(path.mediaId) };
      if (id.serverName !== dependencies.serverName) throw notFound('This media is not of this server');
      const upload = uploadOf(body, request, query.filename);
      await fillUpload(dependencies, { by: uploaderOf(auth, request), id, upload });
      void describe(dependencies, thumbnails, id);
      return {};
    }),
    handle(getMediaConfig, async () => ({ 'm.upload.size': largestUpload(dependencies.settings) })),
  ];
}
