// Routes by which files come in.
import { type Caller, type Handler, handle, type RequestInfo } from '@carillon/platform/http/handle.ts';
import { createMedia, getMediaConfig, uploadCreatedMedia, uploadMedia } from '@carillon/protocol/client/media.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import { requireMediaId } from './find-file.ts';
import type { MediaDependencies } from './media-dependencies.ts';
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

export function uploadRoutes(dependencies: MediaDependencies): Handler[] {
  return [
    handle(uploadMedia, async ({ auth, query, body, request }) => {
      const upload = uploadOf(body, request, query.filename);
      const { serverName, mediaId } = await uploadFile(dependencies, uploaderOf(auth, request), upload);
      return { content_uri: `mxc://${serverName}/${mediaId}` };
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
      return {};
    }),
    handle(getMediaConfig, async () => ({ 'm.upload.size': largestUpload(dependencies.settings) })),
  ];
}
