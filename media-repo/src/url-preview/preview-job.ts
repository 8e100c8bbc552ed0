// What goes between the media process and the one that looks at links.

export interface PreviewOrder {
  readonly url: string;
  /** For Accept-Language. */
  readonly language: string;
  readonly maxImageBytes: number;
}

export interface PreviewFound {
  /** OpenGraph properties, without those of the picture. */
  readonly properties: Readonly<Record<string, string>>;
  readonly image: Uint8Array | null;
  readonly imageType: string | null;
}

/** What its process is started with. */
export interface PreviewSettings {
  readonly allowRanges: readonly string[];
}
