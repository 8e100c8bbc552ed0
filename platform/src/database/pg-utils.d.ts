// pg's own conversion of JavaScript values to wire values; it is exported but not typed.
declare module 'pg/lib/utils.js' {
  export function prepareValue(value: unknown): string | Buffer | null;
}
