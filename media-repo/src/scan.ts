// A new file shown to a scanner before anyone else sees it.
import type { Readable } from 'node:stream';

/** `open` gives the bytes, each time from the start. Throws M_FORBIDDEN for what must not be kept. */
export type Scan = (file: { readonly open: () => Readable; readonly size: number }) => Promise<void>;
