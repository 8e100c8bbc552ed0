// Headers that let browsers of any origin call us (client-server API, "Web Browser Clients").

export const CORS_HEADERS: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS, HEAD',
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization',
  'Access-Control-Expose-Headers': 'Retry-After',
};

/** How long a browser may go by a preflight: one day. */
const PREFLIGHT_SECONDS = 86_400;

export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  ...CORS_HEADERS,
  'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
};
