// The route of link previews.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { previewUrl } from '@carillon/protocol/client/media.ts';
import { unrecognized } from '@carillon/protocol/matrix-error.ts';
import type { UrlPreviews } from './url-previews.ts';

/** `previews` is null where the operator wants none. */
export const urlPreviewRoutes = (previews: UrlPreviews | null): Handler[] => [
  handle(previewUrl, async ({ auth, query, request }) => {
    if (previews === null) throw unrecognized();
    const language = request.headers['accept-language'];
    return previews.find(query.url, {
      userId: auth.userId,
      language: typeof language === 'string' ? language : undefined,
    });
  }),
];
