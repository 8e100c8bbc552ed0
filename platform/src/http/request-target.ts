// The request line's target, and what of it may be known: path and query apart, absolute forms reduced.

export interface RequestTarget {
  /** As it came, still percent-encoded. */
  readonly path: string;
  /** What follows the `?`. */
  readonly query: string;
}

/** Splits an origin-form (`/path?query`) or absolute-form (`http://host/path`) target; other forms have no path that exists. */
export function splitTarget(target: string): RequestTarget {
  const text = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*/i, '');
  const mark = text.indexOf('?');
  return mark < 0 ? { path: text, query: '' } : { path: text.slice(0, mark), query: text.slice(mark + 1) };
}

/** Whether a path belongs to the protocol, so that only a contract may answer it. */
export function isProtocolPath(path: string): boolean {
  return /^\/(_matrix|_synapse|\.well-known\/matrix)(\/|$)/.test(path);
}
